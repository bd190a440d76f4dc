// Package sidecars decides which Prometheus exporters are injected into a pod and
// builds what is added to it.
//
// A Catalog holds the known exporters. NewPlan looks at one pod, and the labels
// and annotations of its namespace, and answers with a Plan: a list of Decisions, each with a
// Reason, and the containers that follow from them. Plan.Apply gives the pod as
// it will be, Plan.Patch the same additions as JSON patch operations, and
// Remove takes them out again.
//
// Everything here is a pure function of its arguments: there is no client,
// context, clock, logger or environment, so the webhook, the command line and
// the tests share one engine and cannot disagree.
//
// # One pod, file by file
//
//   - What is asked for: keys.go, request.go (the pod), namespace.go (its namespace), series.go and profile.go (how much of it).
//   - Which container is the server: server.go, by what signals.go counts: image.go (names), program.go, words.go and script.go (the
//     command line, through shells and wrappers).
//   - Its parameters: settings.go, from annotations or from what shown.go collects of the container: finding.go (variables, flags
//     by flags.go), port.go (declared ports), listen.go (addresses), sign.go (TLS and the like), endpoint.go (metrics of its own), socket.go.
//   - Its account: credentials.go, and the Secrets behind it: reference.go; unused.go is about passwords that nothing follows.
//   - What is refused or left alone: guard.go (collisions, pods that are skipped), owner.go (owners that compare), budget.go (quotas).
//   - The sidecar: container.go, with template.go, volume.go and token.go; mesh.go, capture.go and pull.go change the pod around it.
//   - The result: plan.go, whose words are in reason.go and suggest.go; apply.go adds and removes it, status.go notes it on the pod,
//     live.go attaches it to a running one; explain.go, cost.go and diagnosis.go tell users more.
//   - Definitions: catalog.go, validate.go, grammar.go, grant.go; workloads.go has the kinds with pod templates.
//   - The same as data for the API server's policies: recognition.go, left.go, compile.go with compilesign.go, compiletext.go and
//     compileusual.go.
//
// # Decisions
//
// A plan cannot fail. Whatever is wrong with an annotation becomes a Decision
// that refuses one exporter, or ignores one key, and says why; the pod itself
// is always let through. An error value would tempt a caller to block a pod.
//
// # Appending
//
// A plan only appends, so it writes its own "add" operations. Diffing the pod
// before against the pod after costs three times the time and ten times the
// allocations, and strips fields that are newer than our API types.
//
// # What is ours
//
// The status annotation is what Remove and a second admission go by: a
// container is ours when the status names it and it carries our prefix. A
// container that merely looks like ours belongs to the user, and is a name
// collision. The keys that Outrider writes belong to Outrider: Remove takes
// them away, of any author.
//
// # Recognition
//
// A container is a server by weight: its image or program counts 4, a usual port
// or a variable that only the server reads 2, a name (of the container, the port or
// the image) 1, and 3 is enough, so a mirror's renamed image with the usual
// port is recognized and a client with the workload's name is not. Names are compared whole, or by their kind:
// substrings never count. The name of a port counts where the container or its image says besides that it is the
// workload or keeps data: much else speaks the protocol of a database and calls its port mysql.
//
// Only what is named contradicts: another workload's image, program or name in
// the image's, words such as proxy, sentinel, backup or exporter, an argument, a
// variable, ports that only something else has, or that are another workload's
// by number and name. An unknown program contradicts nothing, since
// wrapper scripts are common, but in a pod that runs to completion and declares
// no usual port, where it is a task. It may start a server that is named behind it, but not by
// the value of a flag, a URL or a folder of data.
//
// Asked for by name, an exporter takes the only server, else the container that
// shows most of one, else the only container. Where several remain it gets its
// defaults: a wrong guess would log in with another server's password.
//
// # Defaults and lists
//
// What a namespace's annotations set is a default: the pod's annotations win, and
// so does what the server's container shows, because a port in a command line is
// a fact and a default for many pods is not. A default Secret is for pods that
// show no password; one in plain text still refuses the exporter, since nothing
// says that the Secret holds the same. A bad default refuses like a bad
// annotation, and only where it would be used; it names the namespace's key. The
// lists allow and deny are about recognition alone, so a pod that names an
// exporter gets it: who writes the pod knows more than who wrote the list. What
// they leave out is a decision too, or nobody could tell why nothing came.
//
// # Exemptions
//
// A pod's exemption (outrider.dev/exempt) is from enforcement and not from
// injection; false in outrider.dev/inject is the other one. The end of an
// exemption is a day, not a time, and its form is checked and not its calendar: a
// policy has neither.
//
// # Enforcement
//
// Recognition is data for the API server's policies, which enforce. Those have no
// functions, so what cannot be a table there is a regular expression, and the
// steps between (words of a script, the first that is a program) are CEL in the
// chart. Refused: one regular expression for each exporter that does it all; it
// would be exact too, and has 1500 characters that nobody could read in the
// cluster and that cost ten times as much.
//
// # Injection by policy
//
// The API server's own policies inject what they can decide exactly as NewPlan
// does, by one generic policy and the catalog as data: Catalog.Injection. Anything
// else has a reason and goes to the webhook. Refused: guessing what is likely.
//
// The data is records of text in one ConfigMap. Refused, after a trial: a custom
// resource, which a 1.37 API server encodes and decodes for every pod of the
// cluster (0.9 ms for 90 kB; a ConfigMap costs nothing until it is read); a policy
// for each exporter, or a parameter object for each, which every pod pays N times.
//
// An evaluation costs what it looks at, about a microsecond for each element of a
// list and two for each variable. So a pattern that is the same for every catalog is
// a literal of the policy (Vocabulary), which is compiled once; a record has what a
// text usually is beside its parts; and signs stand by where they are seen, so that a
// pod without variables or flags passes over theirs. Refused: records as maps with
// named fields, which took a fifth of the time to build; the templates name them.
//
// Most pods say nothing that a definition reads: no flag, variable, image or port of it.
// Their container is the engine's own for such a pod and stands in the record, so that
// parameters, signs and accounts are not looked at. Where a pod names its exporter, only
// containers with one of the exporter's words or ports are recognized. A test compares
// both with the long way. Refused: the same for pods with a password, whose container
// depends on where it comes from.
//
// CEL takes time that grows with the square of the elements that an expression looks at,
// and no cost limit counts it. So both kinds of policies count first, and do not look at
// what is too large; a real API server then spends less than four times the time on
// hostile pods that it spends without policies.
//
// # Credentials
//
// Credentials are references. What the server reads from a Secret, the sidecar
// reads from the same key of the same Secret; a file of a mounted Secret becomes
// such a reference too. All of them are optional, because a missing key must not
// keep the pod from starting. A literal refuses the exporter: copying it would
// spread it, and an exporter that cannot log in fills the server's log.
//
// An account is one account. A definition lists accounts, and the first that the
// server's container shows is taken as a whole; a user that an annotation names
// must be that account's, or bring a Secret. Refused: each part found for itself,
// which put the user of one account together with the password of another.
//
// A password that is there and cannot be followed to a Secret refuses the
// exporter: a file that an agent writes, two Secrets by envFrom, a variable of a
// script. Keys of an envFrom Secret cannot be seen, so the name is the one that
// the image reads; where the user's key may be missing, the exporter's second
// variable has the default. Refused: an exporter that silently has no password.
//
// Ports, addresses and TLS are what the server's command line, variables and
// declared ports show, as data in the definition: flags, signs, names of ports.
// What the pod has and does not show refuses the exporter, and so does a native
// workload whose metrics port nothing shows. Refused: the usual port then, which
// is a target that is down and an alert that nobody understands.
//
// Certificates come from Secrets that a parameter names, mounted read-only at
// /etc/outrider. Refused: the server's own certificate by its own volume, since
// the key of a server is more than its exporter needs. A running pod cannot be
// given volumes, so what needs one is not attached.
//
// The Kafka exporter ends where no broker answers, so its definition has a
// command that waits for the port. Refused: leaving it to restarts, which keep
// the pod from being Ready, and refusing Kafka altogether.
//
// # Bounds
//
// What is read of a pod and what is answered are bounded: the answer is written
// into the pod, and an annotation that is too long would make the API server
// refuse it.
//
// # Names of ports
//
// An injected port is named outrider-<port>, not "metrics": a Service, probe or
// PodMonitor that selects the application's own port by name must not find ours.
//
// # The token
//
// The application's ServiceAccount token does not reach a sidecar: an empty
// volume covers its place. An exporter has no use for it, and a hole in one
// must not open the API. It is a downwardAPI volume without items, because an
// emptyDir would keep the cluster autoscaler from removing the node.
//
// # Resources
//
// What a namespace's LimitRanges and quotas leave is part of the input: a sidecar
// that they would refuse would cost the pod. It is fitted in, or left out.
//
// The requests of an exporter in a Guaranteed pod are raised to its limits. The
// other way, limits lowered to requests, throttles the exporter until scrapes
// time out. A pod with pod-level resources gets none on the container: its QoS
// class is decided at pod level, and a larger sum would be refused.
//
// # Grants
//
// How an account is made is data: a script that runs a server's client program, and
// statements. Servers get what they store of a password where they take that, since
// statements are logged (PostgreSQL's log_statement, MariaDB's binary log). Refused:
// Go for each server, and an account that the controller makes: it may not read
// Secrets or exec into pods, and must not.
//
// # Profiles
//
// Prometheus drops what is not essential, by an annotation that the plan writes
// and the scrape jobs read: that works for every exporter, and where nothing is
// injected. Where an exporter has a setting that serves less, the definition names
// it too. Such settings are no part of the definition's hash: a pod with other ones
// serves more and is scraped the same. Refused: a profile as another definition,
// which every user of the first would have to know.
//
// # Attaching
//
// A pod that must not be restarted gets its exporter as an ephemeral container,
// attached by a user with outrider attach. Tried beside it on a cluster: one
// multi-target exporter for each namespace. That reaches no server which listens
// on 127.0.0.1; it holds the password of each server in a pod of its own; and it
// sends that password to whatever address the request names: a listener that was
// no Redis heard AUTH and the password in plain text. It also exists for half of
// the catalog only. The ephemeral container has the sidecar's own environment,
// references and address, for every exporter. Its price: it cannot be taken out
// or restarted, and has no requests. Refused as well: that the controller does
// it. To patch pods/ephemeralcontainers is to run anything in any pod. The scrape
// annotation makes the target known, and the Reason Attached marks it: a pod that
// is made anew comes with neither, and is decided as its template asks.
package sidecars
