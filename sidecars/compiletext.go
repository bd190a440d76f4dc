package sidecars

import "strings"

// texts of the container's command line and variables.
func (c *compiler) texts() {
	for _, text := range c.spec.Command {
		c.text("command", "", text)
	}
	for _, text := range c.spec.Args {
		c.text("arg", "", text)
	}
	for _, text := range c.spec.Lockdown.Args {
		c.literal("arg", "", text)
	}
	for _, v := range c.spec.Env {
		c.text("env", v.Name, v.Value)
	}
	for _, v := range c.spec.Lockdown.Env {
		c.literal("env", v.Name, v.Value)
	}
	for _, text := range c.spec.Essential.Args {
		c.literal("essential", "arg", "", text)
	}
	for _, v := range c.spec.Essential.Env {
		c.literal("essential", "env", v.Name, v.Value)
	}
}

// escaped are the characters that separate records and fields.
var escaped = strings.NewReplacer("\n", "\ue000", "\t", "\ue001")

// literal is a record with a text that mentions no parameter, which is the last of
// the fields.
func (c *compiler) literal(fields ...string) {
	text := fields[len(fields)-1]
	if strings.ContainsAny(text, "\ue000\ue001") {
		c.leave("a text of it has characters for private use")
	}
	c.record(append(fields[:len(fields)-1:len(fields)-1], "="+escaped.Replace(text))...)
}

// text takes a text apart as expand does, and says before what it usually is.
func (c *compiler) text(kind, name, text string) {
	if !strings.Contains(text, "${") {
		c.literal(kind, name, text)
		return
	}
	fields, mentioned := []string{kind, name, "", ""}, []string{}
	if usual, whole := expand(text, c.defaults()); whole {
		fields[2] = "=" + escaped.Replace(usual)
	}
	for {
		before, rest, found := strings.Cut(text, "${")
		inner, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			break
		}
		if before != "" {
			fields = append(fields, "="+escaped.Replace(before))
		}
		parameter, alternative, isAlternative := strings.Cut(inner, ":+")
		mentioned = append(mentioned, parameter)
		switch {
		case !isAlternative:
			fields = append(fields, "$"+parameter)
		case alternative == "":
			c.leave("a text of it is empty where " + parameter + " is set")
		default:
			fields = append(fields, "?"+parameter+"="+escaped.Replace(alternative))
		}
		text = after
	}
	if text != "" {
		fields = append(fields, "="+escaped.Replace(text))
	}
	fields[3] = c.list(mentioned)
	c.record(fields...)
}

// defaults are the values of parameters of which nothing is said.
func (c *compiler) defaults() map[string]string {
	values := map[string]string{}
	for _, p := range c.spec.Parameters {
		values[p.Name] = p.Default
	}
	return values
}
