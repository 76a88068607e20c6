"""Metadata: templates and their updates, instances on files and folders, queries."""

from box_sdk_gen import (
    CreateMetadataTemplateFields,
    CreateMetadataTemplateFieldsOptionsField,
    CreateMetadataTemplateFieldsTypeField,
    SearchByMetadataQueryOrderBy,
    SearchByMetadataQueryOrderByDirectionField,
    UpdateFileMetadataByIdRequestBody,
    UpdateFileMetadataByIdRequestBodyOpField,
    UpdateFolderMetadataByIdRequestBody,
    UpdateFolderMetadataByIdRequestBodyOpField,
    UpdateMetadataTemplateRequestBody,
    UpdateMetadataTemplateRequestBodyOpField,
)

import common


def field(key, kind, *options):
    """A field of a template."""
    return CreateMetadataTemplateFields(
        CreateMetadataTemplateFieldsTypeField(kind),
        key,
        key,
        options=[CreateMetadataTemplateFieldsOptionsField(option) for option in options] or None,
    )


FIELDS = (field("name", "string"), field("amount", "float"), field("due", "date"), field("country", "enum", "GB", "JP"))


class Templates(common.BoxTest):
    def test_a_template_is_read_in_every_way(self):
        template = self.template(*FIELDS, field("tags", "multiSelect", "red", "blue"))
        templates = self.box.metadata_templates
        self.assertEqual(template.scope, f"enterprise_{common.ENTERPRISE_ID}")
        self.assertEqual([entry.type.value for entry in template.fields], ["string", "float", "date", "enum", "multiSelect"])
        self.assertEqual(templates.get_metadata_template("enterprise", template.template_key).id, template.id)
        self.assertEqual(templates.get_metadata_template_by_id(template.id).template_key, template.template_key)
        listed = templates.get_enterprise_metadata_templates(limit=1000).entries
        self.assertIn(template.id, [entry.id for entry in listed])
        self.assertIn("properties", [entry.template_key for entry in templates.get_global_metadata_templates().entries])

    def test_updates_are_taken_together_or_not_at_all(self):
        template = self.template(field("name", "string"), field("country", "enum", "GB"))

        def update(*operations):
            return self.box.metadata_templates.update_metadata_template(
                "enterprise",
                template.template_key,
                [
                    UpdateMetadataTemplateRequestBody(UpdateMetadataTemplateRequestBodyOpField(op), **given)
                    for op, given in operations
                ],
            )

        changed = update(
            ("addField", {"data": {"type": "float", "key": "amount", "displayName": "Amount"}}),
            ("addEnumOption", {"field_key": "country", "data": {"key": "JP"}}),
            ("reorderFields", {"field_keys": ["amount", "country", "name"]}),
            ("editTemplate", {"data": {"displayName": "Changed"}}),
        )
        self.assertEqual([entry.key for entry in changed.fields], ["amount", "country", "name"])
        self.assertEqual([option.key for option in changed.fields[1].options], ["GB", "JP"])
        self.assertEqual(changed.display_name, "Changed")
        with self.assertRaises(common.BoxAPIError):
            update(
                ("removeField", {"field_key": "amount"}),
                ("removeField", {"field_key": "nonsense"}),
            )
        after = self.box.metadata_templates.get_metadata_template("enterprise", template.template_key)
        self.assertEqual([entry.key for entry in after.fields], ["amount", "country", "name"])

    def test_a_taken_key_and_a_missing_template_are_refused(self):
        template = self.template(field("name", "string"))
        with self.assertRaises(common.BoxAPIError) as caught:
            self.box.metadata_templates.create_metadata_template(
                "enterprise", "Again", template_key=template.template_key
            )
        self.assertEqual(caught.exception.response_info.status_code, 409)
        with self.assertRaises(common.BoxAPIError) as caught:
            self.box.metadata_templates.get_metadata_template("enterprise", "noSuchTemplate")
        self.assertEqual(caught.exception.response_info.status_code, 404)


class Instances(common.BoxTest):
    VALUES = {"name": "Brandt", "amount": 23, "due": "2026-05-17T00:00:00.000Z", "country": "GB"}

    def test_on_a_file_made_changed_and_removed(self):
        template, file = self.template(*FIELDS), self.file(b"x")
        metadata, key = self.box.file_metadata, template.template_key
        made = metadata.create_file_metadata_by_id(file.id, "enterprise", key, self.VALUES)
        self.assertEqual((made.template, made.parent, made.version), (key, f"file_{file.id}", 0))
        self.assertEqual((made.name, made.amount, made.country), ("Brandt", 23, "GB"))
        self.refused(
            409,
            "tuple_already_exists",
            lambda: metadata.create_file_metadata_by_id(file.id, "enterprise", key, self.VALUES),
        )
        operations = [
            UpdateFileMetadataByIdRequestBody(op=UpdateFileMetadataByIdRequestBodyOpField(op), path=path, value=value)
            for op, path, value in (("test", "/name", "Brandt"), ("replace", "/name", "Soler"), ("remove", "/amount", None))
        ]
        changed = metadata.update_file_metadata_by_id(file.id, "enterprise", key, operations)
        self.assertEqual((changed.name, changed.version), ("Soler", 1))
        self.assertFalse(hasattr(changed, "amount"))
        listed = metadata.get_file_metadata(file.id).entries
        self.assertEqual([entry.template for entry in listed], [key])
        templates = self.box.metadata_templates.get_metadata_templates_by_instance_id(made.id)
        self.assertEqual([entry.template_key for entry in templates.entries], [key])
        metadata.delete_file_metadata_by_id(file.id, "enterprise", key)
        with self.assertRaises(common.BoxAPIError) as caught:
            metadata.get_file_metadata_by_id(file.id, "enterprise", key)
        self.assertEqual(caught.exception.response_info.status_code, 404)

    def test_values_that_do_not_fit_are_refused(self):
        template, file = self.template(*FIELDS), self.file(b"x")
        for values in ({"amount": "many"}, {"country": "FR"}, {"due": "soon"}, {"unknown": "x"}):
            with self.subTest(values=values), self.assertRaises(common.BoxAPIError) as caught:
                self.box.file_metadata.create_file_metadata_by_id(file.id, "enterprise", template.template_key, values)
            self.assertEqual(caught.exception.response_info.status_code, 400)

    def test_free_properties_on_a_folder(self):
        folder, metadata = self.folder(), self.box.folder_metadata
        made = metadata.create_folder_metadata_by_id(folder.id, "global", "properties", {"colour": "red"})
        self.assertEqual((made.scope, made.template, made.colour), ("global", "properties", "red"))
        change = UpdateFolderMetadataByIdRequestBody(
            op=UpdateFolderMetadataByIdRequestBodyOpField.REPLACE, path="/colour", value="blue"
        )
        metadata.update_folder_metadata_by_id(folder.id, "global", "properties", [change])
        self.assertEqual(metadata.get_folder_metadata_by_id(folder.id, "global", "properties").colour, "blue")
        self.assertEqual(len(metadata.get_folder_metadata(folder.id).entries), 1)
        metadata.delete_folder_metadata_by_id(folder.id, "global", "properties")
        self.assertEqual(metadata.get_folder_metadata(folder.id).entries, [])


class Queries(common.BoxTest):
    def test_a_query_filters_sorts_and_pages(self):
        template, folder = self.template(*FIELDS), self.folder()
        files = [self.file(b"x", parent=folder.id) for _ in range(3)]
        for file, amount in zip(files, (30, 10, 20)):
            self.box.file_metadata.create_file_metadata_by_id(
                file.id, "enterprise", template.template_key, {"amount": amount, "country": "GB"}
            )
        source = f"{template.scope}.{template.template_key}"

        def query(text, params, **given):
            return self.box.search.search_by_metadata_query(source, folder.id, query=text, query_params=params, **given)

        ascending = [
            SearchByMetadataQueryOrderBy(field_key="amount", direction=SearchByMetadataQueryOrderByDirectionField.ASC)
        ]
        found = query("amount >= :least AND country = :country", {"least": 15, "country": "GB"}, order_by=ascending)
        self.assertEqual([entry.id for entry in found.entries], [files[2].id, files[0].id])
        first = query("amount > :least", {"least": 0}, order_by=ascending, limit=2)
        rest = query("amount > :least", {"least": 0}, order_by=ascending, limit=2, marker=first.next_marker)
        self.assertEqual(
            [entry.id for entry in first.entries + rest.entries], [files[1].id, files[2].id, files[0].id]
        )
        with self.assertRaises(common.BoxAPIError) as caught:
            query("amount >=> :least", {"least": 15})
        self.assertEqual(caught.exception.response_info.status_code, 400)
