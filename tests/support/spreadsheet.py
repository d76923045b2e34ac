"""Reads a spreadsheet as anybody could: a zip file with XML in it.

Reads {"file": BASE64} from its input; prints {"sheets": {NAME: [ROW...]}, "formulas": COUNT}. A row
is a list of cells in order: null, a text, or {"number": TEXT, "format": TEXT}.
"""

import base64
import io
import json
import re
import sys
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

book = zipfile.ZipFile(io.BytesIO(base64.b64decode(json.load(sys.stdin)["file"])))
assert book.testzip() is None


def tree(name):
    return ElementTree.fromstring(book.read(name))


def words(element):
    return "".join(text.text or "" for text in element.iter(MAIN + "t"))


shared = []
if "xl/sharedStrings.xml" in book.namelist():
    shared = [words(item) for item in tree("xl/sharedStrings.xml").iter(MAIN + "si")]
styles = tree("xl/styles.xml")
own = {item.get("numFmtId"): item.get("formatCode") for item in styles.iter(MAIN + "numFmt")}
built_in = {"0": "General", "3": "#,##0", "4": "#,##0.00"}
looks = [item.get("numFmtId") for item in styles.find(MAIN + "cellXfs")]


def column(reference):
    number = 0
    for letter in re.match("[A-Z]+", reference).group():
        number = number * 26 + ord(letter) - 64
    return number - 1


def cell(element):
    kind, value = element.get("t"), element.find(MAIN + "v")
    if kind == "s":
        return shared[int(value.text)]
    if kind == "inlineStr":
        return words(element)
    if value is None:
        return None
    look = looks[int(element.get("s", "0"))]
    return {"number": value.text, "format": own.get(look) or built_in.get(look, look)}


places = {item.get("Id"): item.get("Target") for item in tree("xl/_rels/workbook.xml.rels")}
sheets, formulas = {}, 0
for sheet in tree("xl/workbook.xml").iter(MAIN + "sheet"):
    content = tree("xl/" + places[sheet.get(RELATION)])
    formulas += len(list(content.iter(MAIN + "f")))
    rows = []
    for row in content.iter(MAIN + "row"):
        cells = {column(item.get("r")): cell(item) for item in row}
        rows.append([cells.get(place) for place in range(max(cells, default=-1) + 1)])
    sheets[sheet.get("name")] = rows
print(json.dumps({"sheets": sheets, "formulas": formulas}))
