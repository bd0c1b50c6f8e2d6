#!/usr/bin/env python3
"""Documents that nobody here wrote, read by the connector's worker and by the programs everybody trusts.

Words of Word, PowerPoint and PDF files against LibreOffice and poppler; cells of workbooks against openpyxl and xlrd; headings, list
items and slides against python-docx and python-pptx. The corpus comes from published packages (corpus.sh); nothing of it is committed.

    compare.py WORKER CORPUS REPORT.md
"""
import datetime, json, math, re, subprocess, sys, tempfile, zipfile
from collections import Counter
from pathlib import Path

LIMITS = {"file_bytes": 1 << 25, "answer_bytes": 1 << 25, "memory_bytes": 448 << 20, "time": {"secs": 5, "nanos": 0}, "workers": 1}


# The least share of words; 0.95 where nothing is said. Of old slides the library leaves out the labels of some shapes.
LEAST = {"ppt": 0.94}


def extract(worker, path):
    """One file through the worker's pipes, as the connector sends it."""
    data = path.read_bytes()
    header = {"format": path.suffix[1:].lower(), "charset": None, "bytes": len(data), "limits": LIMITS}
    frame = json.dumps(header).encode() + b"\n" + data
    try:
        answer = subprocess.run([worker, "extract-worker"], input=frame, capture_output=True, timeout=20).stdout
        return json.loads(answer)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return "gaveUp"


def block_words(block):
    if block["type"] == "table":
        return " ".join(cell for row in block["rows"] for cell in row)
    text = block["text"]
    return text if isinstance(text, str) else "".join(run["text"] for run in text)


def blocks_of(extracted):
    return [block for page in extracted["body"].get("pages", []) for block in page["blocks"] + page.get("speaker_notes", [])]


def words(text):
    return Counter(re.findall(r"\w+", text.lower()))


def recall(theirs, ours):
    total = sum(theirs.values())
    return 1.0 if total == 0 else sum((theirs & ours).values()) / total


def libreoffice(paths, scratch, what):
    """Text by LibreOffice, all files of a kind in one start."""
    out = scratch / "out"
    subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{scratch}/profile", "--convert-to", what, "--outdir", str(out), *map(str, paths)],
                   capture_output=True, timeout=900)
    return out


def aged(paths, old, scratch):
    """The same documents in the old format, as LibreOffice writes it: nobody publishes packages with many of those any more."""
    folder = scratch / f"as-{old}"
    folder.mkdir()
    # Equal names in different packages: numbered copies.
    copies = [folder / f"{index:04}-{path.name}" for index, path in enumerate(paths)]
    for path, copy in zip(paths, copies):
        copy.write_bytes(path.read_bytes())
    out = libreoffice(copies, folder, {"doc": "doc:MS Word 97", "ppt": "ppt:MS PowerPoint 97"}[old])
    return sorted(out.glob(f"*.{old}"))


def poppler(path, layout=()):
    return subprocess.run(["pdftotext", *layout, str(path), "-"], capture_output=True, timeout=60).stdout.decode("utf-8", "replace")


def text_row(worker, path, theirs):
    answer = extract(worker, path)
    if not isinstance(answer, dict) or "extracted" not in answer:
        return {"refused": answer if isinstance(answer, str) else json.dumps(answer)}
    extracted = answer["extracted"]
    ours = words(" ".join(block_words(block) for block in blocks_of(extracted)))
    return {"recall": recall(words(theirs), ours), "words": sum(words(theirs).values()), "extracted": extracted}


def same_cell(theirs, ours):
    """A value of openpyxl or xlrd against ours."""
    if theirs is None or theirs == "":
        return ours is None
    if ours is None:
        return False
    kind, value = next(iter(ours.items()))
    if isinstance(theirs, bool):
        return kind == "bool" and value == theirs
    if isinstance(theirs, (int, float)):
        return kind == "number" and math.isclose(value, theirs, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(theirs, datetime.timedelta):
        return kind == "date"
    if isinstance(theirs, (datetime.datetime, datetime.date, datetime.time)):
        if kind != "date":
            return False
        if isinstance(theirs, datetime.datetime) and theirs.microsecond:
            theirs = (theirs + datetime.timedelta(microseconds=500)).replace(microsecond=(theirs + datetime.timedelta(microseconds=500)).microsecond // 1000 * 1000)
        return value in {theirs.isoformat(), theirs.isoformat(timespec="milliseconds"), theirs.isoformat().removesuffix("T00:00:00")}
    if kind == "error":
        return value == theirs
    return kind == "text" and value.replace("\r\n", "\n") == str(theirs).replace("\r\n", "\n")


def cells_of(extracted):
    return {(sheet["name"], row["row"], column): cell for sheet in extracted["body"]["sheets"] for row in sheet["rows"] for column, cell in row["cells"]}


def openpyxl_cells(path):
    import openpyxl
    book = openpyxl.load_workbook(path, data_only=True)
    return {(sheet.title, cell.row - 1, cell.column - 1): cell.value for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value not in (None, "")}


def xlrd_cells(path):
    import xlrd
    book = xlrd.open_workbook(path)
    cells = {}
    for sheet in book.sheets():
        for row in range(sheet.nrows):
            for column in range(sheet.ncols):
                cell = sheet.cell(row, column)
                value = cell.value
                if cell.ctype == xlrd.XL_CELL_DATE:
                    try:
                        value = xlrd.xldate.xldate_as_datetime(value, book.datemode)
                        value = value.time() if cell.value < 1 else value
                    except (ValueError, OverflowError):
                        continue
                elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
                    value = bool(value)
                elif cell.ctype == xlrd.XL_CELL_ERROR:
                    value = xlrd.error_text_from_code[value]
                elif cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                    continue
                if value != "":
                    cells[(sheet.name, row, column)] = value
    return cells


def sheet_row(worker, path, reader):
    try:
        theirs = reader(path)
    except Exception as error:  # their reader refuses the file: nothing to compare with
        return {"skipped": type(error).__name__}
    answer = extract(worker, path)
    if not isinstance(answer, dict) or "extracted" not in answer:
        return {"refused": answer if isinstance(answer, str) else json.dumps(answer), "cells": len(theirs)}
    ours = cells_of(answer["extracted"])
    wrong = [(key, theirs.get(key), ours.get(key)) for key in sorted(set(theirs) | set(ours), key=str) if not same_cell(theirs.get(key), ours.get(key))]
    return {"cells": len(theirs), "wrong": wrong}


def docx_counts(path):
    import docx
    document = docx.Document(path)
    headings = sum(1 for p in document.paragraphs if re.fullmatch(r"Heading [1-9]", p.style.name or "") and p.text.strip())
    def is_item(paragraph):
        if paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None:
            return paragraph._p.pPr.numPr.numId is not None and paragraph._p.pPr.numPr.numId.val != 0
        style = paragraph.style
        while style is not None:
            if style.element.pPr is not None and style.element.pPr.numPr is not None:
                return True
            style = style.base_style
        return False

    items = sum(1 for p in document.paragraphs if p.text.strip() and is_item(p) and not re.fullmatch(r"Heading [1-9]", p.style.name or ""))
    return headings, items


def pptx_slides(path):
    import pptx
    return len(pptx.Presentation(path).slides)


def draws_axes(path):
    """A chart's axis labels are computed when it is drawn: they are words of the picture, not of the file."""
    with zipfile.ZipFile(path) as package:
        return any(name.startswith("ppt/charts/") for name in package.namelist())


HEAD = """# Documents against other programs

Written by `conformance/interop/documents/run`: documents that nobody here wrote, from the packages named in `packages.txt` there, read by the
connector's worker. Words: the share of the words that LibreOffice (Word, PowerPoint) or poppler (PDF) finds which the worker finds too, over all files;
files in which they find none are not compared, nor are slides with charts, whose axis labels are drawn and not stored.
The .doc and .ppt files are those .docx and .pptx files as LibreOffice saves them in the old formats.
Cells: the share of cells that are equal in value and kind to openpyxl's (xlsx) or xlrd's (xls).
"""


def main(worker, corpus, report):
    with tempfile.TemporaryDirectory() as old:
        return compared(worker, Path(corpus), report, Path(old))


def compared(worker, corpus, report, old):
    lines, failed = [], []
    kinds = {kind: sorted(p for p in corpus.rglob(f"*.{kind}") if p.is_file()) for kind in ("docx", "pptx", "doc", "ppt", "pdf", "xlsx", "xls")}
    kinds["doc"] += aged(kinds["docx"], "doc", old)
    kinds["ppt"] += aged([path for path in kinds["pptx"] if not draws_axes(path)], "ppt", old)
    lines.append("| kind | files | compared | words or cells | equal | worst files |\n|---|---|---|---|---|---|")
    for kind in ("docx", "pptx", "doc", "ppt", "pdf"):
        paths = kinds[kind]
        if not paths:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            if kind != "pdf":
                # Equal names in different packages: numbered copies.
                copies = {}
                for index, path in enumerate(paths):
                    copies[path] = scratch / f"{index:04}.{kind}"
                    copies[path].write_bytes(path.read_bytes())
                if kind in ("docx", "doc"):
                    out = libreoffice(copies.values(), scratch, "txt:Text (encoded):UTF8")
                    read = lambda p: (out / f"{copies[p].stem}.txt").read_text("utf-8", "replace") if (out / f"{copies[p].stem}.txt").exists() else None
                else:
                    out = libreoffice(copies.values(), scratch, "pdf")
                    read = lambda p: poppler(out / f"{copies[p].stem}.pdf") if (out / f"{copies[p].stem}.pdf").exists() else None
            else:
                read = poppler
            rows = []
            for path in paths:
                theirs = read(path)
                if theirs is None or not words(theirs) or (kind == "pptx" and draws_axes(path)):
                    continue
                row = text_row(worker, path, theirs)
                rows.append((path, row))
        good = [(p, r) for p, r in rows if "recall" in r]
        refused = [(p, r) for p, r in rows if "refused" in r]
        total = sum(r["words"] for _, r in good)
        mean = sum(r["recall"] * r["words"] for _, r in good) / total if total else 0
        worst = sorted(good, key=lambda item: item[1]["recall"])[:6]
        named = ", ".join(f"{p.name} {r['recall']:.2f}" for p, r in worst if r["recall"] < 0.95)
        named += "".join(f"; {p.name} {r['refused']}" for p, r in refused)
        lines.append(f"| {kind} | {len(paths)} | {len(rows)} | {total} | {mean:.4f} | {named} |")
        if mean < LEAST.get(kind, 0.95):
            failed.append(kind)
        if kind == "docx":
            for index, block_type in enumerate(("heading", "item")):
                wrong = []
                for path, row in good:
                    try:
                        theirs = docx_counts(path)[index]
                    except Exception:
                        continue
                    ours = sum(1 for block in blocks_of(row["extracted"]) if block["type"] == block_type)
                    if theirs != ours:
                        wrong.append(f"{path.name} {ours}/{theirs}")
                lines.append(f"| docx {block_type}s | | {len(good)} | | {len(good) - len(wrong)} files | {', '.join(wrong[:8])} |")
        if kind == "pptx":
            wrong = []
            for path, row in good:
                try:
                    theirs = pptx_slides(path)
                except Exception:
                    continue
                ours = len(row["extracted"]["body"]["pages"])
                if theirs != ours:
                    wrong.append(f"{path.name} {ours}/{theirs}")
            lines.append(f"| pptx slides | | {len(good)} | | {len(good) - len(wrong)} files | {', '.join(wrong[:8])} |")
    for kind, reader in (("xlsx", openpyxl_cells), ("xls", xlrd_cells)):
        rows = [(path, sheet_row(worker, path, reader)) for path in kinds[kind]]
        compared = [(p, r) for p, r in rows if "skipped" not in r]
        cells = sum(r["cells"] for _, r in compared)
        wrong = sum(len(r.get("wrong", [])) for _, r in compared) + sum(r["cells"] for _, r in compared if "refused" in r)
        bad = [(p, r) for p, r in compared if r.get("wrong") or "refused" in r]
        named = "; ".join(f"{p.name}: {r.get('refused') or str(len(r['wrong'])) + ' e.g. ' + repr(r['wrong'][0])}" for p, r in bad[:12])
        equal = 1 - wrong / cells if cells else 0
        lines.append(f"| {kind} | {len(rows)} | {len(compared)} | {cells} | {equal:.5f} | {named} |")
        if wrong and kind == "xlsx":
            failed.append(kind)
    text = HEAD + "\n" + "\n".join(lines) + "\n"
    Path(report).write_text(text)
    print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
