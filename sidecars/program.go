package sidecars

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Programs that say nothing of what a container is, because they start another
// one or do nothing that lasts. All others are known from the catalog, as a
// server or as a server's client, or unknown.
var (
	// shells take a script.
	shells = []string{"sh", "bash", "ash", "dash", "zsh", "ksh", "su", "shell"}
	// wrappers only start another program, as the words of a shell do that stand before a command.
	wrappers = []string{"docker-entrypoint.sh", "entrypoint.sh", "docker-entrypoint", "entrypoint", "tini", "dumb-init", "catatonit", "env", "exec", "nohup", "time", "timeout", "nice", "ionice",
		"taskset", "numactl", "chrt", "stdbuf", "setsid", "setpriv", "runuser", "sudo", "doas", "su-exec", "gosu", "setuidgid", "s6-setuidgid", "chpst", "chroot", "with-contenv",
		"vault-env", "dockerize", "eval", "xargs", "case", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!", "{", "}", "(", ")", "--"}
	// switches take a user or a folder before the program.
	switches = []string{"su-exec", "gosu", "setuidgid", "s6-setuidgid", "chroot"}
	// userFlags are flags of such programs that take one.
	userFlags = []string{"-u", "-g", "--user", "--group", "--reuid", "--regid"}
	// starters are flags whose value is a program.
	starters = []string{"-exec", "--exec", "-cmd", "--cmd", "-command", "--command"}
	// entrypoints are scripts that images begin with.
	entrypoints = []string{"docker-entrypoint.sh", "entrypoint.sh", "docker-entrypoint", "entrypoint"}
	// idle programs serve nothing, or only what something else serves.
	idle = []string{"sleep", "tail", "true", "false", ":", "cat", "echo", "printf", "date", "yes", "pause", "wait", "trap", "exit", "return", "break", "continue",
		"set", "export", "unset", "source", ".", "cd", "umask", "ulimit", "shift", "local", "read", "test", "[", "[[", "]", "]]", "for", "function",
		"cp", "mv", "rm", "ln", "mkdir", "touch", "chown", "chmod", "install", "find", "ls", "stat", "df", "du", "grep", "egrep", "sed", "awk", "head", "sort", "cut", "tr", "tee", "wc", "uniq",
		"tar", "gzip", "gunzip", "zstd", "curl", "wget", "nc", "ping", "dig", "nslookup", "getent", "hostname", "id", "whoami", "uname", "ps", "kill", "sysctl", "apk", "apt-get", "microdnf", "openssl", "envsubst", "mc", "aws", "gsutil", "rclone", "kubectl",
		"ssh", "autossh", "sshpass", "tsh", "boundary", "tailscale", "tailscaled", "cloudflared", "chisel", "gost", "socat", "rinetd"}
	// otherPrograms are words of the names of programs that serve something else.
	otherPrograms = []string{"backup", "backups", "restore", "dump", "sentinel", "arbiter", "exporter", "benchmark", "cli", "client", "healthcheck", "probe",
		"migrate", "migration", "migrations", "mirror", "mirrormaker", "connect", "cruise", "pgbackup", "dbbackup", "mysqlbackup", "mongobackup", "autobackup", "backupdb", "pgdump", "dbdump", "operator", "cleanup", "cron", "crond", "fix", "proxy", "tunnel"}
)

var (
	isWrapper      = wordSet(append(wrappers[:len(wrappers):len(wrappers)], shells...))
	isIdle         = wordSet(idle)
	isOtherProgram = wordSet(otherPrograms)
	operand        = regexp.MustCompile(operandPattern)
	// The same for the API server's policies, where words are joined by \x01: what begins a command line whose next word is a script, …
	scriptPattern = `^(?:[^\x01]*\x01)*?(?:[^\x01]*/)?(?:` + oneOf(shells) + `/*\x01(?:[-+][oO]\x01[^\x01]*\x01|[-+][^\x01]*\x01)*?|su/*\x01(?:[^\x01]*\x01)*?)` +
		`(?:-(?:[^-\x01][^\x01]*)?c|-[` + scriptOptions + `]*c[` + scriptOptions + `]*)\x01(?:-[^\x01]*\x01)*`
	// … the words of a command, those that take another one together with it, …
	wordsPattern = `(?:[^\x01]*/)?` + oneOf(switches) + `/*\x01[^\x01]*|` + oneOf(userFlags) + `\x01[^\x01]*|[^\x01]+`
	// … those behind the program, where a flag stands together with its value, …
	behindPattern = `(?:[^\x01]*/)?` + oneOf(switches) + `/*\x01[^\x01]*|` + oneOf(userFlags) + `\x01[^\x01]*|` + oneOf(starters) + `\x01|` +
		`-(?:-[^=\x01]+|[^-=\x01][^=\x01]*)\x01[^-\x01][^\x01]*|[^\x01]+`
	// … of which URLs and folders of data start nothing, …
	operandPattern = `://|^/(?:etc|run|data|mnt|srv|var/(?:lib|log|run|cache|spool|opt|data|www))/[^/]+/*$`
	// … and words that are no program.
	passedPattern = `^-|=|\x01|^[0-9.,:]+[smhd]?$|^(?s:.*/)?` + oneOf(append(wrappers[:len(wrappers):len(wrappers)], shells...)) + `/*$`
	shellPattern  = `^(?s:.*/)?` + oneOf(shells) + `/*$`
)

// programs are what a container runs, as far as its command line shows.
type programs struct {
	own     bool     // the image's own program: there is no command, or only flags for it
	servers []*entry // of which one is the server
	other   string   // a client, or what else is known to be no server
	unknown string
	idle    string
}

// programs reads a container's command line. In a script each command counts.
func (c Catalog) programs(container *corev1.Container) (found programs) {
	var few [16]string // most command lines need no more, and no allocation
	line := append(append(few[:0], container.Command...), container.Args...)
	if ownProgram(container) {
		return programs{own: true}
	}
	if script, ok := shellScript(line); ok {
		forCommands(script, func(text string) {
			read := command{inScript: true}
			for word := range strings.FieldsSeq(text) {
				read.word(strings.Trim(word, `"'`), c)
			}
			found.add(read, c)
		})
		return found
	}
	read := command{}
	for _, word := range line {
		read.word(word, c)
	}
	if !found.add(read, c) {
		found.own = true
	}
	return found
}

// forCommands visits the commands of a script, without comments.
func forCommands(script string, visit func(text string)) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.SplitSeq(script, "\n") {
		for text := range strings.FieldsFuncSeq(uncommented(line), func(r rune) bool { return r == ';' || r == '|' || r == '&' }) {
			visit(text)
		}
	}
}

// ownProgram reports whether a container runs its image's own program: there is
// no command, or only flags for it.
func ownProgram(c *corev1.Container) bool {
	return len(c.Command) == 0 && (len(c.Args) == 0 || strings.HasPrefix(c.Args[0], "-"))
}

// command is what the words of one command show, as they are read.
type command struct {
	first    string // the first that is a program, or could be
	known    string // the program that decides
	inScript bool   // it is one of a script
	shell    bool   // there is a shell among what stands before
	script   string // the image's own script, behind a shell
	operand  bool   // the next word is one
	value    bool   // the next word is the flag's value, if it is no flag
}

// word reads the next word. The first decides if it is idle, and else the first
// that is known: what is unknown may start it, but not what its flags are set to.
func (r *command) word(word string, c Catalog) {
	if r.operand || word == "" || r.known != "" || r.value && word[0] != '-' {
		r.operand, r.value = false, false
		return
	}
	base := path.Base(word)
	r.value = r.first != "" && takesValue(word)
	switch {
	case slices.Contains(switches, base) || slices.Contains(userFlags, word):
		r.operand = true
		return
	case isPassed(word, base):
		if (r.shell || r.inScript) && slices.Contains(entrypoints, base) {
			r.script = base
		}
		r.shell = r.shell || slices.Contains(shells, base)
		return
	}
	behind := r.first != ""
	if !behind {
		r.first = base
		if isIdle[base] {
			r.known = base
			return
		}
	}
	if _, ok := c.byProgram[base]; ok && (!behind || !operand.MatchString(word)) {
		r.known = base
	}
}

// takesValue reports whether a word is a flag whose value may be the next word, and no program.
func takesValue(word string) bool {
	return len(word) > 1 && word[0] == '-' && word != "--" && !strings.Contains(word, "=") && !slices.Contains(starters, word)
}

// add adds what a command runs, and reports whether there is anything.
func (p *programs) add(r command, c Catalog) bool {
	of, known := c.byProgram[r.known]
	switch {
	case known:
		p.know(r.known, of)
	case r.known != "":
		p.idle = r.known
	case r.first != "" && hasWord(r.first, isOtherProgram) != "":
		p.other = r.first
	case r.first != "":
		p.unknown = r.first
	case r.script != "":
		p.unknown = r.script
	case r.shell:
		p.idle = "a shell"
	default:
		return false
	}
	return true
}

// know adds a program of the catalog.
func (p *programs) know(name string, of []*entry) {
	switch {
	case len(of) == 0:
		p.other = name
	case len(p.servers) == 0:
		p.servers = of // shared, hence never appended to
	default:
		p.servers = slices.Concat(p.servers, of)
	}
}

// isPassed reports whether a word is a flag, an assignment, a number or only
// starts another program.
func isPassed(word, base string) bool {
	return word[0] == '-' || strings.Contains(word, "=") || isWrapper[base] || isNumber(word)
}

// isNumber matches numbers, also with a unit of time, and lists of them.
func isNumber(word string) bool {
	if strings.HasSuffix(word, "s") || strings.HasSuffix(word, "m") || strings.HasSuffix(word, "h") || strings.HasSuffix(word, "d") {
		word = word[:len(word)-1]
	}
	return word != "" && strings.Trim(word, "0123456789.,:") == ""
}

// shellScript returns the script of sh -c SCRIPT, also behind other programs.
func shellScript(line []string) (string, bool) {
	for i, word := range line {
		if base := path.Base(word); slices.Contains(shells, base) {
			if at := scriptAt(line[i+1:], base == "su"); at >= 0 {
				return line[i+1+at], true
			}
		}
	}
	return "", false
}

// scriptAt is where the script of a shell is among the words behind it, or -1: a word that is
// no option is the shell's file, or the user of su.
func scriptAt(words []string, user bool) int {
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case takesScript(word):
			for i++; i < len(words) && strings.HasPrefix(words[i], "-"); i++ { // -- ends the options
			}
			if i == len(words) {
				return -1
			}
			return i
		case slices.Contains(operands, word):
			i++
		case !user && !strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "+"):
			return -1
		}
	}
	return -1
}

// operands are options of a shell that take a word.
var operands = []string{"-o", "+o", "-O", "+O"}

// scriptOptions are options of a shell that stand together with -c, as in -ecx.
const scriptOptions = "cefiluvx"

// takesScript reports whether a shell's option has the next word as its script.
func takesScript(word string) bool {
	options, ok := strings.CutPrefix(word, "-")
	if !ok || strings.HasPrefix(options, "-") {
		return false
	}
	return strings.HasSuffix(options, "c") || strings.Contains(options, "c") && strings.Trim(options, scriptOptions) == ""
}

// hasArgument reports whether one of the words stands in a container's command
// line, or in its script.
func hasArgument(c *corev1.Container, words []string) string {
	var few [16]string // as in programs
	line := append(append(few[:0], c.Command...), c.Args...)
	if script, ok := shellScript(line); ok && !ownProgram(c) {
		line = unquoted(strings.FieldsFunc(script, func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r;|&", r) }))
	}
	for _, word := range words {
		if slices.Contains(line, word) {
			return word
		}
	}
	return ""
}

// runsWithout reports whether a command of a container's script is one of some
// programs without any of some arguments: nginx -t && exec nginx.
func runsWithout(c *corev1.Container, programs, args []string) (without bool) {
	script, ok := shellScript(commandLine(c))
	if !ok || ownProgram(c) {
		return false
	}
	forCommands(script, func(text string) {
		words := unquoted(strings.Fields(text))
		at := slices.IndexFunc(words, func(word string) bool { return slices.Contains(programs, path.Base(word)) })
		without = without || at >= 0 && !slices.ContainsFunc(words[at:], func(word string) bool { return slices.Contains(args, word) })
	})
	return without
}
