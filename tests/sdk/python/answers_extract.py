"""Values extracted from files by the default model: freeform, by fields, by a metadata template."""

import json

from box_sdk_gen import (
    AiExtractSubField,
    AiItemBase,
    CreateAiExtractStructuredFields,
    CreateAiExtractStructuredFieldsOptionsField,
    CreateAiExtractStructuredMetadataTemplate,
    CreateMetadataTemplateFields,
    CreateMetadataTemplateFieldsTypeField,
)

import common

PERSON = b"My name is John Doe. I live in San Francisco. I was born on 4th July 1990. I am 34 years old. I work at Box."
INVOICE = (
    b"Invoice 4711 of 3 May 2026. Not paid yet.\n\n"
    b"Article | Quantity\nKiln shelf | 12\nGlaze | 6\nThermocouple | 3\n\nTotal due: 1,835.50 GBP\n"
)


def field(key, kind, prompt=None, options=(), columns=()):
    """A field of an extraction."""
    return CreateAiExtractStructuredFields(
        key=key,
        type=kind,
        prompt=prompt,
        options=[CreateAiExtractStructuredFieldsOptionsField(key=option) for option in options] or None,
        fields=[AiExtractSubField(key=name, type=kind) for name, kind in columns] or None,
    )


class Extraction(common.BoxTest):
    def test_terms_come_back_in_their_order_as_a_string_of_json(self):
        answer = self.box.ai.create_ai_extract("firstName, lastName, company", [AiItemBase(id=self.file(PERSON).id)])
        self.assertEqual(answer.answer, '{"firstName": "John", "lastName": "Doe", "company": "Box"}')
        self.assertEqual(answer.completion_reason, "done")

    def test_fields_of_every_kind_with_confidence_and_references(self):
        file = self.file(INVOICE)
        response = self.box.ai.create_ai_extract_structured(
            [AiItemBase(id=file.id)],
            fields=[
                field("number", "string", "The number of the invoice"),
                field("date", "date", "The date of the invoice"),
                field("total", "float", "The total due"),
                field("currency", "enum", options=("EUR", "GBP", "USD")),
                field("items", "table", "Every article", columns=(("article", "string"), ("quantity", "float"))),
            ],
            include_confidence_score=True,
            include_reference=True,
        )
        answer = response.answer
        self.assertEqual((answer["number"], answer["date"], answer["currency"]), ("4711", "2026-05-03", "GBP"))
        self.assertEqual(answer["total"], 1835.5)
        self.assertEqual([row["article"] for row in answer["items"]], ["Kiln shelf", "Glaze", "Thermocouple"])
        self.assertEqual([row["quantity"] for row in answer["items"]], [12, 6, 3])
        for key in ("number", "date", "total", "currency"):
            score = response.confidence_score[key]
            self.assertIn(score["level"], ("LOW", "MEDIUM", "HIGH"))
            self.assertTrue(0 <= score["score"] <= 1)
        self.assertIn(file.id, json.dumps(response.reference))
        self.assertTrue(response.ai_agent_info.models[0].name)

    def test_a_metadata_template_names_the_fields(self):
        fields = [
            CreateMetadataTemplateFields(CreateMetadataTemplateFieldsTypeField(kind), key, key)
            for key, kind in (("lastName", "string"), ("dateOfBirth", "date"), ("age", "float"))
        ]
        template = self.template(*fields)
        response = self.box.ai.create_ai_extract_structured(
            [AiItemBase(id=self.file(PERSON).id)],
            metadata_template=CreateAiExtractStructuredMetadataTemplate(
                template_key=template.template_key, scope="enterprise"
            ),
        )
        self.assertEqual(response.answer, {"lastName": "Doe", "dateOfBirth": "1990-07-04T00:00:00Z", "age": 34})
        self.assertNotIsInstance(response.answer["age"], float)

    def test_fields_and_a_template_exclude_each_other(self):
        extract = self.box.ai.create_ai_extract_structured
        items = [AiItemBase(id=self.file(PERSON).id)]
        template = CreateAiExtractStructuredMetadataTemplate(template_key="any", scope="enterprise")
        self.refused(400, "bad_request", lambda: extract(items))
        self.refused(400, "bad_request", lambda: extract(items, fields=[field("a", "string")], metadata_template=template))
        self.refused(400, "bad_request", lambda: extract(items, fields=[field("a", "colour")]))
        self.refused(404, "not_found", lambda: extract(items, metadata_template=template))
