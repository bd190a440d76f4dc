package image

import "fmt"

// Account is a user and a group of the same name and number.
type Account struct {
	Name string
	ID   int
}

// passwd is the image's /etc/passwd.
func (a Account) passwd() string {
	s := "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
	if a.Name != "" {
		s += fmt.Sprintf("%s:x:%d:%d::/:/bin/sh\n", a.Name, a.ID, a.ID)
	}
	return s
}

// group is the image's /etc/group.
func (a Account) group() string {
	s := "root:x:0:\nnogroup:x:65534:\n"
	if a.Name != "" {
		s += fmt.Sprintf("%s:x:%d:\n", a.Name, a.ID)
	}
	return s
}
