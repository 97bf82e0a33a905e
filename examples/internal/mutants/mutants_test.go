package mutants

import (
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	packages = flag.String("package", "", "packages of the library, with commas between them")
	seed     = flag.Uint64("seed", 1, "draws the sample")
	size     = flag.Int("n", 60, "mutants of each package")
	timeout  = flag.String("test-timeout", "120s", "the time that the tests of one mutant have")
)

// A mutant that a test notices is killed, one that no test notices survives, and one that leaves a variable unused
// does not compile.
func TestDoor(t *testing.T) {
	t.Setenv("LATCHKEY_LONG", "1") // for this package only
	p := load("examples/internal/mutants/testdata/door")
	want := map[string]string{
		"<= to >":           "killed",
		"nil for the error": "killed",
		"statement removed": "survived",
		"+ to -":            "does not compile",
	}
	got := map[string]string{}
	for _, m := range p.candidates() {
		switch {
		case want[m.kind] == "":
		case p.check(m, nil) != nil:
			got[m.kind] = "does not compile"
		case p.test(t, m, "1m") == "":
			got[m.kind] = "survived"
		default:
			got[m.kind] = "killed"
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMutants(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") == "" || *packages == "" {
		t.Skip("takes a quarter of an hour for each package: set LATCHKEY_LONG=1, and name a package after -args -package")
	}
	for name := range strings.SplitSeq(*packages, ",") {
		t.Run(name, func(t *testing.T) { sample(t, name) })
	}
}

// sample tests mutants of one package and logs each verdict. A survivor is not a failure.
func sample(t *testing.T, name string) {
	began := time.Now()
	p := load(name)
	if why := p.test(t, mutant{file: p.files[0]}, *timeout); why != "" {
		t.Fatal("the tests fail without a mutant:", why)
	}
	all := p.candidates()
	rand.New(rand.NewPCG(*seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var survived, killed, broken int
	for _, m := range all {
		if killed+survived == *size {
			break
		}
		start, why := time.Now(), "[build failed]"
		if p.check(m, nil) == nil {
			why = p.test(t, m, *timeout)
		}
		switch {
		case strings.HasSuffix(why, "[build failed]"):
			broken++
			continue
		case why == "":
			survived++
			why = "SURVIVED"
		default:
			killed++
		}
		t.Logf("%s/%s:%d: %s: %s (%.1fs)%s", name, filepath.Base(m.path), m.line(), m.kind, why,
			time.Since(start).Seconds(), m.diff())
	}
	t.Logf("SUMMARY %s, seed %d: %d candidates, %d mutants, %d killed, %d survived, %d did not compile; %s", name, *seed,
		len(all), killed+survived, killed, survived, broken, time.Since(began).Round(time.Second))
}
