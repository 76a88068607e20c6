"""Search by name, content and metadata; what a user may not read is not found."""

from box_sdk_gen import (
    CreateMetadataTemplateFields,
    CreateMetadataTemplateFieldsTypeField,
    MetadataFieldFilterFloatRange,
    MetadataFilter,
    SearchForContentContentTypes,
    SearchForContentType,
)

import common


class Search(common.BoxTest):
    def setUp(self):
        super().setUp()
        self.word = "w" + common.name().replace("-", "")

    def ids(self, box=None, **given):
        return [entry.id for entry in (box or self.box).search.search_for_content(**given).entries]

    def test_by_name_and_by_kind(self):
        file, folder = self.file(b"x", f"{self.word} report.txt"), self.folder(f"{self.word} folder")
        self.assertEqual(set(self.ids(query=self.word)), {file.id, folder.id})
        self.assertEqual(self.ids(query=self.word, type=SearchForContentType.FILE), [file.id])
        self.assertEqual(self.ids(query=self.word, type=SearchForContentType.FOLDER), [folder.id])
        self.assertEqual(self.ids(query=self.word, file_extensions=["pdf"]), [])

    def test_by_content_within_a_folder(self):
        inside, outside = self.folder(), self.folder()
        file = self.file(f"The kiln {self.word} is hot.".encode(), parent=inside.id)
        content = [SearchForContentContentTypes.FILE_CONTENT]
        within = {"content_types": content, "ancestor_folder_ids": [inside.id]}
        self.eventually([file.id], lambda: self.ids(query=self.word, **within))
        self.assertEqual(self.ids(query=self.word, ancestor_folder_ids=[outside.id]), [])
        self.assertEqual(self.ids(query=self.word, content_types=[SearchForContentContentTypes.NAME]), [])

    def test_by_metadata(self):
        amount = CreateMetadataTemplateFields(CreateMetadataTemplateFieldsTypeField.FLOAT, "amount", "Amount")
        template = self.template(amount)
        files = [self.file(b"x"), self.file(b"y")]
        for file, value in zip(files, (10, 20)):
            self.box.file_metadata.create_file_metadata_by_id(
                file.id, "enterprise", template.template_key, {"amount": value}
            )
        wanted = MetadataFilter(
            scope="enterprise",
            template_key=template.template_key,
            filters={"amount": MetadataFieldFilterFloatRange(gt=15, lt=25)},
        )
        self.assertEqual(self.ids(mdfilters=[wanted], ancestor_folder_ids=["0"]), [files[1].id])

    def test_pages_and_fields(self):
        for number in range(3):
            self.file(b"x", f"{self.word} {number}.txt")
        page = self.box.search.search_for_content(query=self.word, limit=2, offset=2, fields=["name"])
        self.assertEqual((page.total_count, page.offset, len(page.entries)), (3, 2, 1))
        self.assertIn(self.word, page.entries[0].name)

    def test_other_users_and_the_trash_are_left_out(self):
        file = self.file(b"x", f"{self.word}.txt")
        user = common.client(common.jwt_auth().with_user_subject(common.USER_ID))
        self.assertEqual(self.ids(user, query=self.word), [])
        self.box.files.delete_file_by_id(file.id)
        self.assertEqual(self.ids(query=self.word), [])
