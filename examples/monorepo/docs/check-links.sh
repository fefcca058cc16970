# Fails when a page links to another that is not there: check-links.sh <pages>
set -eu
pages=$1
broken=0

for page in "$pages"/*.md; do
  for link in $(grep -o '([a-z-]*\.md)' "$page" | tr -d '()'); do
    if [ -f "$pages/$link" ]; then
      echo "ok      $page → $link"
    else
      echo "broken  $page → $link"
      broken=1
    fi
  done
done
exit "$broken"
