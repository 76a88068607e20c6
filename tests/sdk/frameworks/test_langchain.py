"""LangChain's own Box package, unmodified: loaders, blobs, and the retriever by search and by questions."""

import os

from box_sdk_gen import CreateMetadataTemplateFields, CreateMetadataTemplateFieldsTypeField
from langchain_box import BoxAuth, BoxAuthType, BoxBlobLoader, BoxLoader, BoxRetriever
from langchain_box.utilities import BoxMetadataQuery, BoxSearchOptions, SearchTypeFilter

import content

AUTH = BoxAuth(
    auth_type=BoxAuthType.CCG,
    box_client_id=os.environ["CLIENT_ID"],
    box_client_secret=os.environ["CLIENT_SECRET"],
    box_user_id=os.environ["USER_ID"],
)


class LangChain(content.FrameworkTest):
    def test_a_loader_reads_files_as_text(self):
        documents = BoxLoader(box_auth=AUTH, box_file_ids=[self.sun, self.person], extra_fields=["size"]).load()
        texts = [document.page_content.strip() for document in documents]
        self.assertEqual(texts, [content.SUN.decode(), content.PERSON.decode()])
        self.assertEqual([document.metadata["title"] for document in documents], ["sun_txt", "person_txt"])
        self.assertEqual(documents[0].metadata["size"], len(content.SUN))

    def test_a_loader_walks_folders(self):
        one = BoxLoader(box_auth=AUTH, box_folder_id=self.folder).load()
        self.assertEqual(sorted(document.metadata["title"] for document in one), ["person_txt", "sun_txt"])
        every = BoxLoader(box_auth=AUTH, box_folder_id=self.folder, recursive=True).load()
        self.assertEqual(len(every), 3)

    def test_the_development_token_is_a_developer_token(self):
        loader = BoxLoader(box_developer_token="boxwood-dev-token", box_file_ids=[self.sun])
        self.assertIn("east", loader.load()[0].page_content)

    def test_blobs_are_the_files_themselves(self):
        blobs = list(BoxBlobLoader(box_auth=AUTH, box_file_ids=[self.sun]).yield_blobs())
        self.assertEqual([blob.as_bytes() for blob in blobs], [content.SUN])
        self.assertEqual(blobs[0].mimetype, "text/plain")

    def test_a_retriever_searches(self):
        found = BoxRetriever(box_auth=AUTH).invoke(self.word)
        self.assertEqual([document.metadata["title"] for document in found], [f"{self.word}_md"])
        options = BoxSearchOptions(
            ancestor_folder_ids=[self.inner], search_type_filter=[SearchTypeFilter.FILE_CONTENT], file_extensions=["md"]
        )
        found = BoxRetriever(box_auth=AUTH, box_search_options=options).invoke(self.word)
        self.assertEqual(len(found), 1)

    def test_a_retriever_asks(self):
        retriever = BoxRetriever(box_auth=AUTH, box_file_ids=[self.sun], citations=True)
        answer, *citations = retriever.invoke("Which direction does the Sun rise?")
        self.assertIn("east", answer.page_content)
        self.assertEqual({citation.metadata["file_id"] for citation in citations}, {self.sun})
        self.assertIn("east", citations[0].page_content)

    def test_blobs_are_found_by_metadata(self):
        key = f"key{self.word}"
        amount = CreateMetadataTemplateFields(CreateMetadataTemplateFieldsTypeField.FLOAT, "amount", "Amount")
        template = self.box.metadata_templates.create_metadata_template(
            "enterprise", key, template_key=key, fields=[amount]
        )
        self.addCleanup(self.box.metadata_templates.delete_metadata_template, "enterprise", key)
        self.box.file_metadata.create_file_metadata_by_id(self.person, "enterprise", key, {"amount": 12})
        query = BoxMetadataQuery(
            template_key=f"{template.scope}.{key}", query="amount > :least", query_params={"least": 10}
        )
        blobs = list(BoxBlobLoader(box_auth=AUTH, box_metadata_query=query).yield_blobs())
        self.assertEqual([blob.as_bytes() for blob in blobs], [content.PERSON])
