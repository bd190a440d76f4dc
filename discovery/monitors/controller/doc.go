/*
Package controller keeps the ConfigMap of what other charts' monitors are translated into. The leader reads the objects of each kind
that the cluster has, writes the files for Prometheus, and reports what is not followed: as an event on the object, as a metric and in
the log.

# Decision: a kind may be missing, and come later

The kinds belong to Prometheus Operator's charts, or to its CustomResourceDefinitions alone. Outrider installs none of them: two owners
of one definition block each other's upgrades. A kind that is missing is looked for every half minute.
*/
package controller
