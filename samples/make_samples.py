#!/usr/bin/env python3
"""Makes the sample documents of this folder. They are our own texts about invented people and companies.

Needs: pip install reportlab python-docx openpyxl pillow, and the Noto CJK font (Debian: fonts-noto-cjk).
The made files are kept in the repository, so that nobody needs this script to run Boxwood.
"""
import datetime
import random
from pathlib import Path

from docx import Document
from openpyxl import Workbook
from openpyxl.styles import Font
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

HERE = Path(__file__).parent
STYLES = getSampleStyleSheet()
BODY, HEADING, TITLE = STYLES["BodyText"], STYLES["Heading2"], STYLES["Title"]


def contract():
    """A lease of seven clauses on several pages."""
    clauses = [
        ("1. Premises", [
            "The Landlord, Marlow Quay Properties Ltd, lets to the Tenant, Fennimore Ceramics LLP, the workshop on the "
            "ground floor of 14 Tanner Street, Bristol, together with two parking bays numbered 7 and 8.",
            "The premises have a floor area of 412 square metres. The shared loading yard may be used between 07:00 and "
            "19:00 on working days. The roof and the cellar are not part of the premises.",
        ]),
        ("2. Term", [
            "The lease begins on 1 March 2026 and runs for five years, ending on 28 February 2031.",
            "The Tenant may end the lease early on 28 February 2029 by giving the Landlord not less than six months' "
            "written notice. The Landlord has no right to end the lease early except under clause 6.",
        ]),
        ("3. Rent and deposit", [
            "The rent is 46,800 pounds a year, payable in equal monthly instalments of 3,900 pounds in advance on the "
            "first working day of each month.",
            "The rent is reviewed once, on 1 March 2029. The increase at that review may not exceed nine per cent.",
            "On signing, the Tenant pays a deposit of 11,700 pounds. The Landlord holds it in a separate account and "
            "returns it with interest within thirty days of the end of the lease, less the cost of any damage.",
            "A payment that is more than ten days late bears interest at four per cent a year above the base rate.",
        ]),
        ("4. Use", [
            "The Tenant may use the premises for making and selling ceramics. Kilns may be fired by electricity only; "
            "gas kilns are forbidden.",
            "The Tenant may keep no more than 200 litres of flammable liquids on the premises and stores them in the "
            "steel cabinet beside the rear door.",
        ]),
        ("5. Repairs and insurance", [
            "The Landlord keeps the roof, the outer walls and the drains in repair. The Tenant keeps the inside in "
            "repair and has the extraction system serviced once every twelve months by a qualified engineer.",
            "The Landlord insures the building. The Tenant insures its stock and holds public liability cover of at "
            "least five million pounds for each claim.",
        ]),
        ("6. Breach", [
            "If rent is unpaid for twenty-one days after it is due, or the Tenant breaks clause 4 and does not mend the "
            "breach within fourteen days of a written warning, the Landlord may end the lease by notice.",
        ]),
        ("7. Notices and disputes", [
            "Notices are sent by recorded post to the registered office of the other party and count as received on the "
            "second working day after posting. Notices by e-mail have no effect.",
            "Disputes about the amount of damage are decided by an independent surveyor named by the Bristol Chamber of "
            "Commerce. The lease is governed by the law of England and Wales.",
        ]),
    ]
    story = [Paragraph("Lease of a workshop", TITLE), Paragraph("between Marlow Quay Properties Ltd and Fennimore Ceramics LLP", BODY),
             Spacer(1, 18)]
    for index, (heading, paragraphs) in enumerate(clauses):
        story.append(Paragraph(heading, HEADING))
        story.extend(Paragraph(text, BODY) for text in paragraphs)
        if index in (2, 4):
            story.append(PageBreak())
    story += [Spacer(1, 36), Paragraph("Signed in Bristol on 12 January 2026 by Oona Marlow for the Landlord and by "
                                      "Idris Fennimore and Petra Vale for the Tenant.", BODY)]
    SimpleDocTemplate(str(HERE / "lease-contract.pdf"), pagesize=A4, title="Lease of a workshop", invariant=1).build(story)


def invoice():
    """An invoice with a table of items, taxes and payment terms."""
    rows = [["Pos.", "Article", "Description", "Qty", "Unit price", "Amount"],
            ["1", "KP-2041", "Kiln shelf, silicon carbide, 450 x 400 mm", "12", "84.50", "1,014.00"],
            ["2", "GL-118", "Celadon glaze, 10 kg drum", "6", "62.00", "372.00"],
            ["3", "SV-30", "Thermocouple type S, 300 mm", "3", "118.00", "354.00"],
            ["4", "FR-01", "Freight, palletised", "1", "95.00", "95.00"],
            ["", "", "", "", "Net total", "1,835.00"], ["", "", "", "", "VAT 20 %", "367.00"],
            ["", "", "", "", "Total due (GBP)", "2,202.00"]]
    table = Table(rows, colWidths=[32, 60, 210, 32, 90, 70])
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, 4), 0.5, colors.grey), ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
                               ("ALIGN", (3, 0), (-1, -1), "RIGHT"), ("FONTNAME", (4, 7), (-1, 7), "Helvetica-Bold")]))
    head = ["Brandt &amp; Soler Kiln Supply", "Unit 5, Foundry Way, Stoke-on-Trent ST1 4NB", "VAT number GB 318 4470 26", "",
            "<b>Invoice INV-2026-0387</b>", "Invoice date: 17 April 2026", "Due date: 17 May 2026", "Your order: FC-5512 of 2 April 2026", "",
            "Bill to: Fennimore Ceramics LLP, 14 Tanner Street, Bristol BS1 6QX"]
    story = [Paragraph(line or "&nbsp;", BODY) for line in head] + [Spacer(1, 14), table, Spacer(1, 18)]
    story += [Paragraph(text, BODY) for text in (
        "Please pay by bank transfer to Severn Bank, account 44017823, sort code 20-77-41, and name the invoice number.",
        "Two per cent discount on the net total for payment within ten days. Goods remain our property until paid in full.")]
    SimpleDocTemplate(str(HERE / "invoice.pdf"), pagesize=A4, title="Invoice INV-2026-0387", invariant=1).build(story)


def report():
    """A report with headings, a list and a table."""
    document = Document()
    document.core_properties.title = "Harbour air quality, second quarter 2026"
    document.core_properties.created = document.core_properties.modified = datetime.datetime(2026, 7, 20)
    document.add_heading("Harbour air quality, second quarter 2026", 0)
    document.add_paragraph("Prepared by the Environmental Office of Port Ellery, 20 July 2026. Author: Dr Lena Osei.")
    document.add_heading("Summary", 1)
    document.add_paragraph(
        "Nitrogen dioxide at the four stations averaged 27 micrograms per cubic metre, 11 per cent less than in the same "
        "quarter of 2025. The limit of 40 was exceeded on three days, all of them in May, when two cruise ships lay at the "
        "east pier without shore power.")
    document.add_heading("Measurements", 1)
    rows = [("Station", "NO2 mean", "NO2 highest day", "PM2.5 mean"), ("East pier", "36", "58", "12.4"),
            ("Fish market", "29", "41", "10.8"), ("Customs house", "24", "37", "9.1"), ("Lighthouse", "19", "28", "7.6")]
    table = document.add_table(rows=0, cols=4)
    for row in rows:
        for cell, text in zip(table.add_row().cells, row):
            cell.text = text
    document.add_paragraph("All values in micrograms per cubic metre. The fish market station was out of order from 3 to 9 April "
                           "because of a flooded cabinet.")
    document.add_heading("What was done", 1)
    for text in ("Shore power at the west pier has worked since 14 April 2026 and was used by 61 of 74 calls.",
                 "Sixteen diesel straddle carriers were replaced by electric ones; nine remain.",
                 "Trucks older than Euro 5 are turned away at the north gate since 1 June 2026."):
        document.add_paragraph(text, style="List Bullet")
    document.add_heading("Next steps", 1)
    document.add_paragraph("Shore power at the east pier costs 3.8 million euros and is planned for March 2027. The council decides on "
                           "15 September 2026. Until then ships that stay longer than twelve hours are sent to the west pier.")
    document.save(HERE / "air-quality-report.docx")


def workbook():
    """Sales by month and region, and a staff sheet."""
    book = Workbook()
    book.properties.created = book.properties.modified = datetime.datetime(2026, 7, 1)
    sheet = book.active
    sheet.title = "Sales 2026"
    sheet.append(["Month", "Region", "Product", "Units", "Revenue (EUR)"])
    chance = random.Random(2026)
    for month in ("January", "February", "March", "April", "May", "June"):
        for region in ("North", "South", "West"):
            for product, price in (("Mug", 14), ("Bowl", 22), ("Vase", 48)):
                units = chance.randint(40, 320)
                sheet.append([month, region, product, units, units * price])
    sheet["A1"].font = Font(bold=True)
    staff = book.create_sheet("Staff")
    staff.append(["Name", "Role", "Started", "Hours a week"])
    for name, role, start, hours in (("Petra Vale", "Workshop manager", datetime.date(2019, 5, 6), 40),
                                     ("Tomas Reyes", "Glaze chemist", datetime.date(2021, 9, 1), 32),
                                     ("Mina Okafor", "Shop assistant", datetime.date(2024, 2, 12), 24),
                                     ("Jonas Lind", "Kiln operator", datetime.date(2022, 11, 21), 40)):
        staff.append([name, role, start, hours])
    for row in staff.iter_rows(min_row=2, min_col=3, max_col=3):
        row[0].number_format = "YYYY-MM-DD"
    book.save(HERE / "sales-and-staff.xlsx")


def scan():
    """A typed letter as a slightly turned, noisy scan."""
    lines = ["ELLERY MUNICIPAL ARCHIVE", "", "Reading room card no. 0917", "", "Name:      Augusta Thorne",
             "Subject:   Shipwrecks of the Ellery coast, 1840-1890", "Issued:    4 November 2025", "Valid to:  31 December 2026", "",
             "The holder may order up to six boxes a day.", "Boxes of the series HM-12 are fragile and are",
             "shown only on Thursdays between 10:00 and 13:00.", "Photographs are allowed without flash.", "",
             "The archive is closed from 22 December to 6 January.", "", "Signed: R. Calloway, archivist"]
    page = Image.new("L", (1240, 1100), 250)
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", 34)
    for number, line in enumerate(lines):
        draw.text((110, 90 + number * 56), line, font=font, fill=30)
    page = page.rotate(0.6, fillcolor=250).filter(ImageFilter.GaussianBlur(0.6))
    chance = random.Random(7)
    pixels = page.load()
    for _ in range(9000):
        pixels[chance.randrange(page.width), chance.randrange(page.height)] = chance.randrange(90, 230)
    page.save(HERE / "scanned-card.png", dpi=(150, 150), optimize=True)


def japanese():
    """Minutes of a meeting in Japanese."""
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    body = ParagraphStyle("ja", fontName="HeiseiMin-W3", fontSize=11, leading=18, wordWrap="CJK")
    head = ParagraphStyle("ja-head", parent=body, fontSize=13, leading=24, spaceBefore=8)
    title = ParagraphStyle("ja-title", parent=body, fontSize=18, leading=30)
    story = [Paragraph("第三回 商店街活性化委員会 議事録", title)]
    for text in ("日時：2026年6月12日（金）午後2時から午後3時40分まで", "場所：みなと市民会館 二階 会議室B",
                 "出席者：委員長 佐伯 真理子、委員 高木 亮、委員 林 由美、事務局 大西 健"):
        story.append(Paragraph(text, body))
    for heading, paragraphs in (
        ("1. 夜市の開催について", ["夜市は8月22日と8月23日の二日間に開催することを決定した。出店数は四十五店とし、出店料は一店あたり八千円とする。",
                            "雨天の場合は翌週に延期せず、アーケード内で規模を縮小して実施する。"]),
        ("2. 空き店舗の活用", ["現在の空き店舗は十七軒である。市の補助金は一軒につき上限百二十万円で、申請の締め切りは9月30日である。",
                         "林委員より、旧山下書店を共同の作業場として貸し出す案が出され、次回までに見積もりを取ることになった。"]),
        ("3. 次回の予定", ["次回の委員会は7月10日午後2時から同じ会場で行う。"])):
        story.append(Paragraph(heading, head))
        story.extend(Paragraph(text, body) for text in paragraphs)
    SimpleDocTemplate(str(HERE / "meeting-minutes-ja.pdf"), pagesize=A4, title="議事録", invariant=1).build(story)


if __name__ == "__main__":
    for make in (contract, invoice, report, workbook, scan, japanese):
        make()
