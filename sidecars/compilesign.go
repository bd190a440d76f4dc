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
	id, round, matches := strconv.Itoa(len(c.signs)), 0, sign.Matches
	if matches != "" {
		matches = "(?i)^(?:" + matches + ")$"
	}
	byValue := func(of, kind, name string) {
		before, declared := c.rounds[of]
		if !declared {
			c.leave("a sign asks for the parameter " + of + ", which is declared later")
		}
		round = before + 1
		c.record("ifValue", id, strconv.Itoa(round), kind, name, matches)
	}
	switch {
	case sign.Arg != "":
		c.record("ifArg", id, c.list([]string{sign.Arg}), matches)
		c.flags = append(c.flags, sign.Arg)
	case sign.Env != "":
		c.record("ifEnv", id, sign.Env, matches)
		c.reads = append(c.reads, sign.Env)
	case sign.Image != "":
		c.record("ifPod", id, "image", c.imagePattern(sign.Image), longestWord(sign.Image))
	case sign.Mount != "":
		c.record("ifPod", id, "mount", sign.Mount+"/", "")
	case sign.Given != "":
		c.record("ifPod", id, "given", sign.Given, "")
	case sign.Port != "":
		byValue("port", "port", "(?i)^(?:"+sign.Port+")$")
	case sign.Parameter == secretParameter:
		c.record("ifPod", id, "secret", "", "")
	default:
		byValue(sign.Parameter, "parameter", sign.Parameter)
	}
	c.signs[key], c.since[id] = id, round
	return id
}

// wildcard is what does not stand for itself in the pattern of an image, or stands
// between its parts.
var wildcard = regexp.MustCompile(`\[[^]]*\]|[^-_.0-9A-Za-z]`)

// longestWord of the pattern of an image, without which no image matches: for most
// images the policies need not compile the pattern.
func longestWord(image string) string {
	longest := ""
	for _, word := range wildcard.Split(image, -1) {
		if len(word) > len(longest) {
			longest = word
		}
	}
	return longest
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
