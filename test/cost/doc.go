// Command cost measures what exporters take, and compares it with spec.cost of their definitions:
//
//	go run ./test/cost                  # every entry that has a file in test/servers/entries
//	go run ./test/cost -only postgres
//	go run ./test/cost -update          # writes what was measured into the definitions
//
// It starts the real server of an entry, empty and then holding things, beside the exporter with
// exactly the arguments and variables of our plan, scrapes it as Prometheus does, and ends with 1 where
// a definition is off: its series by more than a tenth (those of each thing by more than that and than one); its memory where less is declared than was
// used, or more than twice that; its CPU where less than half is declared of what was used, as a busy machine shows more.
//
// # What is measured
//
// Series are the samples of a page that no longer changes: the lines that are no comments, as
// Prometheus counts them in scrape_samples_scraped. Each kind of thing is loaded into a server of its
// own, so that one does not hide behind another. CPU and memory are the exporter's alone; a native
// entry has none of its own. The versions are those of test/cluster: Image.Actual names the exporters
// of which another version is pinned than can be built here.
package main
