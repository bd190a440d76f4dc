package child

import (
	"os"
	"testing"
	"time"
)

func TestUsageOf(t *testing.T) {
	before, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for now := before; now.CPU-before.CPU < 50*time.Millisecond; {
		for i := range block {
			block[i]++
		}
		if now, err = UsageOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if now.Resident < int64(len(block)) || now.Peak < now.Resident-1<<20 {
			t.Fatalf("%+v after %d bytes were written", now, len(block))
		}
	}
}

func TestUsageOfAnEndedProcess(t *testing.T) {
	p, err := Start("true", "/bin/true", t.TempDir()+"/log")
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(time.Minute)
	if u, err := p.Usage(); err == nil {
		t.Errorf("a process that has ended costs %+v", u)
	}
}
