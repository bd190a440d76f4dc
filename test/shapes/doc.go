// Shapes scores the decisions about pods as charts, operators and examples make
// them: each row of rows/*.rows is one pod on one line, with what an experienced
// operator wants done with it.
//
//	go run ./test/shapes                    the score by family, and each row that is wrong
//	go run ./test/shapes -row FAMILY/NAME   the pod of one row, and what is decided about it
//
// # A row
//
//	name | container image | command > args | env | ports | more | expected
//
// Words are quoted as in a shell; a bar between quotes separates nothing, and ⏎ in them
// ends a line. "-" is an empty column.
//
//	env    NAME=value, NAME@secret/key, NAME#configmap/key, NAME^fieldPath;
//	       @secret or PREFIX_@secret, #configmap: all of its keys
//	ports  6379, redis:6379, 53/udp
//	more   +'name image ; command > args ; env ; ports' a second container, init:'…', native:'…'
//	       vol:/path=secret:NAME, secret:NAME:key>file, cm:NAME, empty, csi:DRIVER, projected:NAME:key>file+cm:NAME; vol:/path#sub=… by a subPath
//	       kind=Deployment (default: the first pod of a StatefulSet), owner=GROUP/VERSION/Kind,
//	       label:k=v, annotation:k=v, inject=redis (in place of the opted-in namespace), os=windows
//	expected  none WHY, refused, or EXPORTER PORT [as=USER] [pw=SECRET/KEY] [tls] [host=pod] [socket=/path] [path=/p],
//	       several with commas between them; "or" separates answers that are equally right
//
// USER is a literal or SECRET/KEY. In none WHY, proxy marks a pod that must never be
// taken for the server it forwards to. Passwords in plain text have "canary" in them
// and may come out nowhere.
//
// # Decisions
//
// A pod is expected to get what its author would set up by hand; the table was
// written before the engine was asked. Rows hold what shapes a decision, not whole
// manifests: one row is read in ten seconds, and three hundred in an evening.
package main
