# Turns the pages of a folder into HTML: build.sh <pages> <output>
set -eu
pages=$1
output=$2
rm -rf "$output"
mkdir -p "$output"

for page in "$pages"/*.md; do
  name=$(basename "$page" .md)
  {
    printf '<!doctype html><html lang="en"><meta charset="utf-8"><title>%s</title>\n' "$name"
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' \
      -e 's/^# \(.*\)/<h1>\1<\/h1>/' -e 's/^## \(.*\)/<h2>\1<\/h2>/' \
      -e 's/\[\([^]]*\)\](\([^)]*\)\.md)/<a href="\2.html">\1<\/a>/g' \
      -e 's/^$/<p>/' "$page"
  } > "$output/$name.html"
  echo "page $name: $(wc -c < "$output/$name.html") bytes"
done
echo "handbook in $output"
