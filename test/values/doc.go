/*
Package values generates what repeats the chart's values.yaml: values.schema.json, which refuses what values.yaml does
not have, files/defaults.json, and the table in the chart's README.md. "make update" rewrites them, and a test compares.

# Decisions

values.yaml is the one place where a key, its default and its sentence stand. A sentence is the comment at the end of the
key's line, or the lines before it where one does not do. Everything else follows from it: which keys there are, their
types, and what the README says.

What a default cannot show stands in [shapes], a table in Go: the modes that a key may have, the pattern of a duration,
what the items of an empty list are. Refused: marks in the comments of values.yaml, which are for who reads it, and which
cost lines and a grammar of their own; and a schema written by hand, which is two thirds repetition and was forgotten once
for every second new key.

A list, and a map that is not a block of keys, must have a shape; so an unknown key cannot hide in one. global alone lets
other keys through, because Helm hands it to every chart of an umbrella.

Users come from kube-prometheus-stack with its keys. JSON schema has no messages of its own, so a key in [foreign] allows the sentence
that names the way out and nothing else; the refusal quotes it.

No key is required. "helm upgrade --reuse-values" brings the values of an older chart, which lacks keys, and null takes a key
out; a template that is rendered before all others fills in what is missing from files/defaults.json. Refused: a default
beside every use of a value, which would be a second place for each.

The schema is draft 7, the one that every Helm 3 reads.
*/
package values
