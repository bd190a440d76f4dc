/*
Package values generates what repeats the chart's values.yaml: values.schema.json, which refuses what values.yaml does
not have, and the table in the chart's README.md. "make update" rewrites both, and a test compares.

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

The schema is draft 7, the one that every Helm 3 reads.
*/
package values
