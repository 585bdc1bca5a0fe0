"""Reports: one page in HTML that stands alone, the same as Markdown and JSON, and runs compared."""

from faceprint.evaluate.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Environment,
    Figure,
    Mark,
    Matrix,
    Picture,
    Pictures,
    Report,
    Section,
    Series,
    Table,
    Text,
)
from faceprint.evaluate.report.comparison import (
    Comparison,
    check_comparison_file,
    compare,
    comparison_page,
    write_comparison,
)
from faceprint.evaluate.report.files import (
    ReportFiles,
    check_report_folder,
    read_report,
    write_report,
)
from faceprint.evaluate.report.pictures import crops_picture
from faceprint.evaluate.report.shapes import figure_of, percent, rate_cell

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Comparison",
    "Environment",
    "Figure",
    "Mark",
    "Matrix",
    "Picture",
    "Pictures",
    "Report",
    "ReportFiles",
    "Section",
    "Series",
    "Table",
    "Text",
    "check_comparison_file",
    "check_report_folder",
    "compare",
    "comparison_page",
    "crops_picture",
    "figure_of",
    "percent",
    "rate_cell",
    "read_report",
    "write_comparison",
    "write_report",
]
