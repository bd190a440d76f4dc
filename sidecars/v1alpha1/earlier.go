package v1alpha1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// listed is an entry of credentials up to 0.2.0, where it was a list: one variable of the exporter and where its value comes
// from.
type listed struct {
	Env       string   `json:"env"`
	Public    bool     `json:"public"`
	Default   string   `json:"default"`
	SecretKey string   `json:"secretKey"`
	Required  bool     `json:"required"`
	FromEnv   []string `json:"fromEnv"`
	FromArgs  []string `json:"fromArgs"`
}

// UnmarshalJSON reads credentials, also as the list that they were up to 0.2.0: one Exporter in that form, which the API
// server still stores, would else keep all others from being read. The API server takes no new ones.
func (c *Credentials) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		type plain Credentials // without this method
		return json.Unmarshal(data, (*plain)(c))
	}
	var list []listed
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("credentials as a list: %w", err)
	}
	*c = converted(list)
	return nil
}

// converted puts the variables of a list together: each password's with the user's of the same place, or the last one.
func converted(list []listed) Credentials {
	var c Credentials
	var user, password listed
	for _, l := range list {
		if l.Public {
			user = l
		} else {
			password = l
		}
	}
	c.User, c.Password, c.SecretKey, c.Required = user.Env, password.Env, password.SecretKey, password.Required
	users := variables(user.FromEnv)
	for i, name := range variables(password.FromEnv) {
		a := Account{Password: name}
		if len(users) > 0 {
			a.User = users[min(i, len(users)-1)]
		}
		c.Accounts = append(c.Accounts, a)
	}
	if len(password.FromArgs) > 0 {
		c.Accounts = append(c.Accounts, Account{PasswordArgs: password.FromArgs})
	}
	if user.Env == "" || strings.Contains(user.Default, "${") {
		return c
	}
	for i := range c.Accounts {
		c.Accounts[i].DefaultUser = user.Default
	}
	return c
}

// variables leaves out those of files: each variable stands for its file's, too.
func variables(names []string) []string {
	var all []string
	for _, name := range names {
		if !strings.HasSuffix(name, "_FILE") {
			all = append(all, name)
		}
	}
	return all
}
