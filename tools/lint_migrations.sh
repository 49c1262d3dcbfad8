#!/bin/sh
# Has squawk judge the SQL of every migration by itself: a table is new only to the migration that makes it.
set -eu
cd "$(dirname "$0")/.."
sql=.venv/migrations

rm -rf $sql && mkdir $sql
before=base
for file in migrations/versions/*.py; do
    name=$(basename "$file" .py)
    revision=$(echo "$name" | cut -d _ -f 4)
    .venv/bin/alembic upgrade "$before:$revision" --sql > $sql/alembic.out
    # The table in which Alembic keeps its place is its own affair.
    sed '/^CREATE TABLE [a-z]*\.\{0,1\}alembic_version/,/^);/d' $sql/alembic.out > "$sql/$name.sql"
    before=$revision
done
.venv/bin/squawk $sql/*.sql
