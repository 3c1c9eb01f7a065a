"""Writes TPC-H at scale factor 1, as CSV, and the texts of its queries into the folder that is named. Runs nothing else."""
import pathlib
import sys

import duckdb

folder = pathlib.Path(sys.argv[1])
connection = duckdb.connect()
connection.execute("CALL dbgen(sf = 1)")
for (table,) in connection.execute("SHOW TABLES").fetchall():
    connection.execute(f"COPY {table} TO '{folder / table}.csv' (FORMAT CSV, HEADER false)")
for number, text in connection.execute("SELECT query_nr, query FROM tpch_queries()").fetchall():
    (folder / f"{number}.sql").write_text(text)
