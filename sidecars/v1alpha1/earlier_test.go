package v1alpha1

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Credentials as a list are read as what they mean today; as an object they stay what they are.
func TestCredentialsAsAList(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want Credentials
	}{
		"user and password": {
			`[{"env": "U", "public": true, "default": "${user}", "fromEnv": ["DB_USER", "DB_USER_FILE"]},
			  {"env": "P", "secretKey": "pass", "required": true, "fromEnv": ["DB_PASS", "PG_PASS", "DB_PASS_FILE"]}]`,
			Credentials{User: "U", Password: "P", SecretKey: "pass", Required: true, Accounts: []Account{
				{User: "DB_USER", Password: "DB_PASS"}, {User: "DB_USER", Password: "PG_PASS"},
			}},
		},
		"password alone": {
			`[{"env": "P", "fromEnv": ["A"], "fromArgs": ["--requirepass"]}]`,
			Credentials{Password: "P", Accounts: []Account{{Password: "A"}, {PasswordArgs: []string{"--requirepass"}}}},
		},
		"fixed user": {
			`[{"env": "U", "public": true, "default": "root"}, {"env": "P", "fromEnv": ["A"]}]`,
			Credentials{User: "U", Password: "P", Accounts: []Account{{Password: "A", DefaultUser: "root"}}},
		},
		"object": {`{"password": "P", "accounts": [{"password": "A"}]}`, Credentials{Password: "P", Accounts: []Account{{Password: "A"}}}},
	} {
		var got Credentials
		if err := json.Unmarshal([]byte(tc.text), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := json.Unmarshal([]byte(`["x"]`), &Credentials{}); err == nil {
		t.Error("a list of words is read")
	}
}
