# SPDX-License-Identifier: MIT
"""plot.py - the rows of bench.py for which something is aimed at, as a picture: a bar for each median, as long
as the case's greatest allows; a line from the least to the most."""
from xml.sax.saxutils import escape

WIDTH, LINE, TEXT, BAR = 960, 16, 400, 400
COLORS = {"fasttrace": "#2563eb", "floor": "#94a3b8", "none": "#94a3b8", "tmpfs": "#94a3b8",
          "lttng": "#d97706", "dpdk": "#059669"}


def text(x, y, what, more=""):
    return f'<text x="{x:.0f}" y="{y}" {more}>{escape(what)}</text>'


def bar(row, y, scale):
    """Its bar, the line of its spread, and its number."""
    color = COLORS.get(row["subject"], "#64748b")
    least, median, most = (TEXT + min(row[key] * scale, BAR) for key in ("min", "median", "max"))
    yield text(TEXT - 8, y + 13, row["label"], 'text-anchor="end"')
    yield f'<rect x="{TEXT}" y="{y + 2}" width="{median - TEXT:.1f}" height="{LINE - 5}" fill="{color}"/>'
    yield (f'<path d="M{least:.1f} {y + 8.5}H{most:.1f}" stroke="#0f172a" stroke-width="1" '
           f'stroke-opacity="0.6"/>')
    median_said = f'{row["median"]:,.0f}' if row["median"] >= 1000 else f'{row["median"]:.4g}'
    said = f'{median_said} {row["unit"]}'
    if "ratio" in row:
        said += f', {row["ratio"]:.2f} x'
    yield text(max(median, most) + 6, y + 13, said)


def svg(rows, machine):
    """A bar that noise made too long for its case ends at twice the greatest median."""
    out, y, cases = [], 8, {}
    for row in rows:
        cases.setdefault((row["figure"], row["case"]), []).append(row)
    cases = {case: [row for row in of_case if "missing" not in row] for case, of_case in cases.items()
             if any("target" in row for row in of_case)}
    for line in machine.splitlines():
        y += LINE
        out.append(text(8, y, line, 'fill="#475569"'))
    for (figure, case), subjects in cases.items():
        if not subjects:
            continue
        y += LINE // 2
        out.append(text(8, y + 13, f"{figure}: {case}", 'font-weight="bold"'))
        greatest = max(row["median"] for row in subjects)
        most = min(2 * greatest, max(row["max"] for row in subjects))
        for row in subjects:
            out += bar(row, y, BAR / most if most else 0)
            y += LINE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + LINE}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(out) + "\n</svg>\n")
