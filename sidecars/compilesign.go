package sidecars

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// accountSign is the sign that an account is found or named.
const accountSign = "account"

// condition compiles signs, and returns their ids.
func (c *compiler) condition(signs []v1alpha1.Sign) string {
	var ids []string
	for _, sign := range signs {
		ids = append(ids, c.sign(sign))
	}
	return strings.Join(ids, ",")
}

// sign compiles one sign and returns its id.
func (c *compiler) sign(sign v1alpha1.Sign) string {
	if sign.Parameter == accountParameter {
		return accountSign
	}
	key := fmt.Sprintf("%q", sign)
	if id, ok := c.signs[key]; ok {
		return id
	}
	id, round, kind, name, matches := strconv.Itoa(len(c.signs)), 0, "parameter", sign.Parameter, sign.Matches
	if matches != "" {
		matches = "(?i)^(?:" + matches + ")$"
	}
	after := func(parameter string) {
		before, declared := c.rounds[parameter]
		if !declared {
			c.leave("a sign asks for the parameter " + parameter + ", which is declared later")
		}
		round = before + 1
	}
	switch {
	case sign.Arg != "":
		kind, name = "arg", c.list([]string{sign.Arg})
		c.flags = append(c.flags, sign.Arg)
	case sign.Env != "":
		kind, name = "env", sign.Env
		c.reads = append(c.reads, sign.Env)
	case sign.Image != "":
		kind, name = "image", c.imagePattern(sign.Image)
	case sign.Mount != "":
		kind, name = "mount", sign.Mount+"/"
	case sign.Given != "":
		kind, name = "given", sign.Given
	case sign.Port != "":
		kind, name = "port", "(?i)^(?:"+sign.Port+")$"
		after("port")
	case sign.Parameter != secretParameter:
		after(sign.Parameter)
	}
	c.signs[key], c.since[id] = id, round
	c.record("sign", id, strconv.Itoa(round), kind, name, matches)
	return id
}

// imagePattern matches what imageIs does, on images without a digest.
func (c *compiler) imagePattern(pattern string) string {
	name, tag, tagged := strings.Cut(pattern, ":")
	made := "^(?s:.*/)?"
	if organization, base, ok := strings.Cut(name, "/"); ok {
		made += c.glob(organization, "[^/]") + "/"
		name = base
	}
	made += c.glob(name, "[^/:]")
	switch {
	case !tagged:
		return made + "(?::[^/]*)?$"
	case strings.Trim(tag, "*") == "":
		return made + "(?::" + c.glob(tag, "[^/]") + ")?$"
	}
	return made + ":" + c.glob(tag, "[^/]") + "$"
}

// class is a set of characters as path.Match and regular expressions have it alike.
var class = regexp.MustCompile(`^\[[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?\]`)

// glob is a pattern of matchesText as a regular expression, in which * stands for
// any number of what is given.
func (c *compiler) glob(pattern, any string) string {
	if !strings.Contains(pattern, "*") {
		return regexp.QuoteMeta(pattern)
	}
	var made strings.Builder
	for pattern != "" {
		switch set := class.FindString(pattern); {
		case set != "":
			made.WriteString(set)
			pattern = pattern[len(set):]
			continue
		case pattern[0] == '*':
			made.WriteString(any + "*")
		case strings.IndexByte(`[]?\`, pattern[0]) >= 0:
			c.leave("the pattern of an image has wildcards that are not expressed: " + pattern)
		default:
			made.WriteString(regexp.QuoteMeta(pattern[:1]))
		}
		pattern = pattern[1:]
	}
	return made.String()
}

// flagsPattern matches command lines, without quotes and backslashes, in which
// flagAt may find one of the flags.
func flagsPattern(flags []string) string {
	var patterns []string
	seen := map[string]bool{}
	for _, flag := range flags {
		if seen[flag] {
			continue
		}
		seen[flag] = true
		flag, _, _ = strings.Cut(flag, "${")
		_, setting, isSetting := strings.Cut(flag, " ")
		switch {
		case isSetting:
			patterns = append(patterns, foldedPattern(setting)+`\s*=`)
		case len(flag) == 2 && flag[0] == '-':
			patterns = append(patterns, `(?:^|[^-0-9A-Za-z_])(?-i:`+regexp.QuoteMeta(flag)+`)`)
		default:
			patterns = append(patterns, foldedPattern(flag))
		}
	}
	if len(patterns) == 0 {
		return ""
	}
	return "(?i)" + strings.Join(patterns, "|")
}

// foldedPattern matches a flag with - and _ alike.
func foldedPattern(flag string) string {
	return strings.NewReplacer("-", "[-_]", "_", "[-_]").Replace(regexp.QuoteMeta(flag))
}
