package sidecars

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// compileRounds is how many times the policies look at signs and parameters, each
// time with what was decided before.
const compileRounds = 2

// Injection is the catalog as data for the API server's policies that inject: the
// keys of Recognition, and besides
//
//	definition.NAME        the exporter, one record a line
//	words.NAME             list of what the image or a word of the command line of each of its servers contains, but of those with its ports
//	pullSecrets            list of the Secrets that are added to those with which a pod's images are pulled
//	comparingOwners        list of API groups, or GROUP/KIND, of owners whose pods are left alone
//	left.WORD              what is said of a pod that is left, where there is no webhook
//
// The fields of a record are separated by tabs, items of a list in a field by
// commas; a line feed in a text is U+E000 and a tab U+E001. The records of a kind
// stand together, in this order, with an empty line behind each kind but the last,
// also where it has none:
//
//	left WHY               the policies do not inject it, and there is no other record
//	exporter TYPE DEFINITION PORT PATH ONCE IMAGE USER CPU MEMORY CPU MEMORY SAMPLES   requests, then limits; the limit of samples
//	parameter NAME ROUND DEFAULT PATTERN FLAGS PART VARIABLES FROMPORTS PORTNAMES REQUIRED USUAL READ   READ is set where the pod may show it
//	value PARAMETER sign|default VALUE WHEN UNLESS   ids of signs
//	ifEnv ID NAME MATCHES  a sign: a variable of the server
//	ifArg ID NAME MATCHES  a flag
//	ifPod ID KIND NAME WORD   KIND is image, mount, given or secret; of an image, NAME is a pattern, and all that match have the WORD
//	ifValue ID ROUND KIND NAME MATCHES   KIND is port, of which NAME is a pattern, or parameter
//	obstacle WHEN UNLESS ACCOUNT   set where the account is one of the signs
//	credentials USER FALLBACK PASSWORD KEY REQUIRED UNLESS
//	account WHEN USER DEFAULTUSER PASSWORD FLAGS AMONG IMAGES   a pattern
//	logins VARIABLES       with the accounts' users and passwords
//	command|arg|env NAME USUAL PARAMETERS PART…   a part is =TEXT, $PARAMETER, or ?PARAMETER=TEXT for a text where it is set; USUAL is =TEXT or
//	                       empty for what the parts make of the parameters' defaults, and the last where the text mentions none
//	socket FLAG
//	reads VARIABLES        of the server, from which a setting or account may come
//	flags PATTERN VARIABLES   matches command lines that may have one of the flags; variables of the server that have some too
//	unset PARAMETERS       by which something is mounted, or reached by a socket
//	essential arg|env NAME =TEXT   what the profile essential adds
//	silent PORT PORTNAMES LOGIN   where nothing that is read of a server makes the usual container: PORT is its usual one, empty where
//	                       any is, and - where it may declare none; LOGIN is set where it may have an account
//	usual command|arg|env NAME =TEXT   of the usual container
//
// Where the chart and the controller are of different versions, in an upgrade, the
// policies must not take one form of records for another: new kinds come last and may be
// missing, and any other change of the form is another key in place of definition, so that
// they find none and leave the pod.
//
// A policy decides exactly as NewPlan does, or leaves the pod to the webhook.
func (c Catalog) Injection(s Settings) map[string]string {
	data := c.Recognition()
	data["pullSecrets"] = strings.Join(s.ImagePullSecrets, "\n")
	owners := s.ComparingOwners
	if owners == nil {
		owners = comparingOwners
	}
	data["comparingOwners"] = strings.Join(owners, "\n")
	for word := range lefts {
		data["left."+word] = Left(word, true)
	}
	for _, name := range c.names {
		data["definition."+name] = c.entries[name].compile(s)
		data["words."+name] = strings.Join(c.entries[name].hints(), "\n")
	}
	return data
}

// Expressed says why the policies inject the named exporter into no pod, or "".
func (c Catalog) Expressed(name string) string {
	e, ok := c.entries[name]
	if !ok {
		return ""
	}
	left, _ := strings.CutPrefix(e.compile(Settings{}), "left\t")
	left, _, other := strings.Cut(left, "\n")
	if other {
		return ""
	}
	return left
}

// compiler is one exporter on its way to records.
type compiler struct {
	*entry
	records [len(kinds)][]string // by kind
	left    string               // the first reason counts
	rounds  map[string]int       // of the parameters declared so far
	signs   map[string]string    // their ids by what they are
	since   map[string]int       // the rounds from which on signs can be seen, by id
	flags   []string
	reads   []string
}

func (e *entry) compile(s Settings) string {
	c := compiler{entry: e, rounds: map[string]int{}, signs: map[string]string{}, since: map[string]int{}}
	c.head(s)
	for i := range e.spec.Parameters {
		c.parameter(&e.spec.Parameters[i])
	}
	for i := range e.spec.Obstacles {
		o := &e.spec.Obstacles[i]
		if o.Effect != v1alpha1.Hint {
			when, unless := c.condition(o.When), c.condition(o.Unless)
			c.record("obstacle", when, unless, yes(slices.Contains(strings.Split(when+","+unless, ","), accountSign)))
		}
	}
	c.credentials()
	c.texts()
	c.secrets()
	c.reads = append(c.reads, c.spec.ArgsEnv...)
	slices.Sort(c.reads)
	c.record("reads", c.list(slices.Compact(c.reads)))
	c.record("flags", flagsPattern(c.flags), c.list(c.spec.ArgsEnv))
	c.silent(s)
	if c.left != "" {
		return "left\t" + c.left
	}
	var all [len(kinds)]string
	for i, records := range c.records {
		all[i] = strings.Join(records, "\n")
	}
	return strings.Join(all[:], "\n\n")
}

// kinds of records, in the order in which the policies find them.
var kinds = [...]string{"exporter", "parameter", "value", "ifEnv", "ifArg", "ifPod", "ifValue", "obstacle", "credentials", "account", "logins",
	"command", "arg", "env", "socket", "reads", "flags", "unset", "essential", "silent", "usual"}

func (c *compiler) record(fields ...string) {
	for _, f := range fields {
		if strings.ContainsAny(f, "\n\t") {
			c.leave("a line feed or tab stands in its " + fields[0])
		}
	}
	kind := slices.Index(kinds[:], fields[0])
	c.records[kind] = append(c.records[kind], strings.Join(fields, "\t"))
}

func (c *compiler) leave(why string) {
	if c.left == "" {
		c.left = why
	}
}

// list joins items.
func (c *compiler) list(items []string) string {
	for _, item := range items {
		if strings.Contains(item, ",") || item == "" {
			c.leave(fmt.Sprintf("%q has a comma", item))
		}
	}
	return strings.Join(items, ",")
}

// yes is a boolean field.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func (c *compiler) head(s Settings) {
	if isNative(c.entry) && reservedJob(c.name) {
		c.leave("its name is that of a job of the stack")
	}
	kind, path, user, once := "sidecar", c.spec.Path, strconv.FormatInt(c.spec.RunAsUser, 10), yes(c.spec.OncePerSet)
	if isNative(c.entry) {
		kind = "native"
	}
	if path == "/metrics" {
		path = ""
	}
	if s.AssignedUIDs {
		user = ""
	}
	fields := []string{"exporter", kind, c.hash, strconv.Itoa(int(c.spec.Port)), path, once, inRegistry(c.spec.Image, s.ImageRegistry), user}
	for _, list := range []corev1.ResourceList{c.spec.Resources.Requests, c.spec.Resources.Limits} {
		if len(list) > len(budgeted) {
			c.leave("it has resources other than cpu and memory")
		}
		for _, name := range budgeted {
			quantity := list[name]
			fields = append(fields, quantity.String())
		}
	}
	limit := ""
	if !isNative(c.entry) && c.sampleLimit() != v1alpha1.MostSamples {
		limit = strconv.Itoa(int(c.sampleLimit()))
	}
	c.record(append(fields, limit)...)
}

func (c *compiler) parameter(p *v1alpha1.Parameter) {
	round := 0
	value := func(kind string, v *v1alpha1.SignedValue) {
		when, unless := c.condition(v.When), c.condition(v.Unless)
		for id := range strings.SplitSeq(when+","+unless, ",") {
			round = max(round, c.since[id])
		}
		c.record("value", p.Name, kind, v.Value, when, unless)
	}
	for i := range p.FromSigns {
		if v := &p.FromSigns[i]; c.fits(p, v.Value) {
			value("sign", v)
		}
	}
	for i := range p.Defaults {
		value("default", &p.Defaults[i])
	}
	if round >= compileRounds {
		c.leave("the parameter " + p.Name + " depends on too many others in turn")
	}
	for _, flag := range p.FromArgs {
		if strings.Contains(flag, "${") {
			c.leave("a flag of the parameter " + p.Name + " depends on another")
		}
	}
	if slices.ContainsFunc(p.FromEnv, func(name string) bool { return strings.Contains(name, "${") }) {
		c.leave("a variable of the parameter " + p.Name + " depends on another")
	}
	c.rounds[p.Name] = round
	c.flags = append(c.flags, p.FromArgs...)
	c.reads = append(c.reads, p.FromEnv...)
	c.record("parameter", p.Name, strconv.Itoa(round), p.Default, "^(?:"+p.Pattern+")$", c.list(p.FromArgs), p.Part, c.list(p.FromEnv),
		yes(p.FromPorts), c.list(p.PortNames), yes(p.Required), yes(c.isUsual(p.Default)),
		yes(p.FromPorts || len(p.FromArgs)+len(p.FromEnv)+len(p.FromSigns)+len(p.Defaults) > 0))
}

// secrets are parameters by which something is mounted or referred to.
func (c *compiler) secrets() {
	var unset []string
	named := func(text string) {
		matches := placeholder.FindAllStringSubmatch(text, -1)
		if len(matches) == 0 {
			c.leave("it has a Secret or ConfigMap in every pod")
		}
		for _, m := range matches {
			unset = append(unset, m[1])
		}
	}
	for _, v := range c.spec.Volumes {
		named(v.Secret + v.ConfigMap)
	}
	for _, v := range c.spec.SecretEnv {
		named(v.Secret)
	}
	if socket := c.spec.Socket; socket != nil {
		if socket.Parameter != "" {
			unset = append(unset, socket.Parameter)
		}
		if socket.PathFrom != "" {
			c.flags = append(c.flags, socket.PathFrom)
			c.record("socket", socket.PathFrom)
		}
	}
	c.record("unset", c.list(unset))
}

func (c *compiler) credentials() {
	of := c.spec.Credentials
	if of == nil {
		return
	}
	key := of.SecretKey
	if key == "" {
		key = "password"
	}
	c.record("credentials", of.User, of.UserFallback, of.Password, key, yes(of.Required), c.condition(of.Unless))
	var logins []string
	for i := range of.Accounts {
		a := &of.Accounts[i]
		c.flags = append(c.flags, a.PasswordArgs...)
		for _, name := range []string{a.User, a.Password} {
			if name != "" {
				c.reads, logins = append(c.reads, name, name+fileSuffix), append(logins, name)
			}
		}
		var images []string
		for _, image := range a.Images {
			images = append(images, c.imagePattern(image))
		}
		c.record("account", c.condition(a.When), a.User, a.DefaultUser, a.Password, c.list(a.PasswordArgs), c.list(a.Among), strings.Join(images, "|"))
	}
	c.record("logins", c.list(logins))
}
