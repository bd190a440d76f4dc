package sidecars

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// shown is what a pod shows of one server. The server is nil where nothing says
// which container it is; nothing is found then.
type shown struct {
	pod    *corev1.Pod
	server *corev1.Container
	values map[string]string // of parameters, as far as they are decided

	annotations, defaults map[string]string // that set parameters: of the pod, of its namespace

	profile Profile // Essential, or empty
	account bool    // an account is found or named
	secret  bool    // a Secret is named
	argsEnv []string
	// recognize says which programs of a script are the server and its clients.
	recognize v1alpha1.Recognition
	line      []string
	script    script
	read      bool // line and script are
}

// words are the server's command line, for flags, with what its image adds to it.
func (s *shown) words() []string {
	s.readLine()
	return s.line
}

// readLine reads the server's command line, once.
func (s *shown) readLine() {
	if s.read || s.server == nil {
		return
	}
	s.read = true
	s.line, s.script = arguments(s.server, s.recognize)
	s.line = s.opened(s.line)
	for _, name := range s.argsEnv {
		if v := s.env(name); v != nil && v.Value != "" {
			value, known := s.literal(name)
			if !known {
				value = v.Value
			}
			s.line = append(slices.Clip(s.line), shellWords(value)...)
		}
	}
}

// opened are words with those that are nothing but a variable with flags replaced by these.
func (s *shown) opened(words []string) []string {
	flags := func(word string) string {
		if name, ok := variable(word); ok {
			value, known := s.literal(name)
			if v := s.env(name); !known && v != nil {
				value = v.Value // what is in it is followed flag by flag
			}
			if strings.HasPrefix(value, "-") {
				return value
			}
		}
		return ""
	}
	if !slices.ContainsFunc(words, func(word string) bool { return flags(word) != "" }) {
		return words
	}
	var opened []string
	for _, word := range words {
		if value := flags(word); value != "" {
			opened = append(opened, shellWords(value)...)
		} else {
			opened = append(opened, word)
		}
	}
	return opened
}

// env is a variable of the server: as its script sets it, or its container.
func (s *shown) env(name string) *corev1.EnvVar {
	if s.server == nil || name == "" {
		return nil
	}
	s.readLine()
	if v := last(s.script.always, name); v != nil {
		return v
	}
	if v := last(s.server.Env, name); v != nil {
		return v
	}
	return last(s.script.perhaps, name)
}

// mentioned finds a variable that the command line names and a Secret as a whole may have.
func (s *shown) mentioned(name string) reference {
	if name == "" || len(s.server.EnvFrom) == 0 || s.env(name) != nil || !slices.ContainsFunc(commandLine(s.server), func(word string) bool { return refersTo(word, name) }) {
		return reference{}
	}
	from := s.allFrom(name)
	switch {
	case len(from) == 0 || from[0].ValueFrom.SecretKeyRef == nil:
		return reference{}
	case len(from) > 1:
		return reference{found: true, where: "variable " + name, lost: "it may be in several Secrets (envFrom)"}
	}
	return reference{found: true, where: "variable " + name, env: from[0]}
}

// literal is a variable's value with all variables in it replaced; ok where it
// is wholly in the pod.
func (s *shown) literal(name string) (value string, ok bool) { return s.literalWithin(name, 4) }

func (s *shown) literalWithin(name string, depth int) (string, bool) {
	v := s.env(name)
	if v == nil || v.ValueFrom != nil || depth == 0 {
		return "", false
	}
	return s.resolveWithin(v.Value, depth-1)
}

// resolve replaces $(NAME), ${NAME}, ${NAME:-default} and $NAME in a text; ok
// where all of it is in the pod.
func (s *shown) resolve(text string) (string, bool) { return s.resolveWithin(text, 4) }

func (s *shown) resolveWithin(text string, depth int) (string, bool) {
	if !strings.ContainsAny(text, "$`") {
		return text, true
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		if text[i] == '`' {
			return "", false
		}
		if text[i] != '$' {
			out.WriteByte(text[i])
			i++
			continue
		}
		name, n := text[i+1:], 0
		fallback, has := "", false
		if length := substitution(text[i:]); length > 1 {
			name, n = text[i+2:i+length-1], length
			name, fallback, has = strings.Cut(name, ":-")
		} else {
			if end := strings.IndexFunc(name, func(r rune) bool { return !inName(r) }); end >= 0 {
				name = name[:end]
			}
			n = 1 + len(name)
		}
		value, ok := s.literalWithin(name, depth)
		switch {
		case ok && (value != "" || !has):
			out.WriteString(value)
		case has && s.env(name) == nil && !strings.ContainsAny(fallback, "$`"):
			out.WriteString(fallback)
		default:
			return "", false
		}
		i += n
	}
	return out.String(), true
}

// imageIs reports whether an image is meant by a pattern: its base name or the
// last two parts of its repository, with a tag if the pattern has one; * is any text.
func imageIs(image, pattern string) bool {
	image, _, _ = strings.Cut(image, "@")
	base := image[strings.LastIndexByte(image, '/')+1:]
	name, tag, _ := strings.Cut(base, ":")
	wantName, wantTag, tagged := strings.Cut(pattern, ":")
	if tagged && !matchesText(wantTag, tag) {
		return false
	}
	if !strings.Contains(wantName, "/") {
		return matchesText(wantName, name)
	}
	organization := path.Base(strings.TrimSuffix(strings.TrimSuffix(image, base), "/"))
	return matchesText(wantName, organization+"/"+name)
}

// matchesText is a comparison in which * stands for any text without a slash.
func matchesText(pattern, text string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == text
	}
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}

// isImage reports whether the server's image is one of the patterns.
func (s *shown) isImage(patterns []string) bool {
	return s.server != nil && slices.ContainsFunc(patterns, func(p string) bool { return imageIs(s.server.Image, p) })
}
