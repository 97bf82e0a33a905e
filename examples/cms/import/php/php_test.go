package php_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/import/php"
)

func Example() {
	text, err := php.JSON("<?php\n return ['name' => 'posts', 'fields' => [['name' => \"title\"]], 'color' => NULL,];")
	fmt.Println(string(text), err)

	_, err = php.JSON("<?php\nreturn [\n  'name' => system('id'),\n];")
	fmt.Println(err)
	// Output:
	// {"name":"posts","fields":[{"name":"title"}],"color":null} <nil>
	// php: line 3, column 13: a text, a number, an array, true, false or null is expected
}

// The models that a Cockpit wrote equal the fixture, which Cockpit itself has converted to JSON.
func TestModelsOfCockpit(t *testing.T) {
	fixture, err := os.ReadFile("../testdata/cockpit-fixture.json")
	require.NoError(t, err)
	var documents struct{ Models []map[string]any }
	require.NoError(t, json.Unmarshal(fixture, &documents))
	require.Len(t, documents.Models, 4)
	for _, want := range documents.Models {
		source, err := os.ReadFile(fmt.Sprintf("../testdata/cockpit-storage/content/%s.model.php", want["name"]))
		require.NoError(t, err)
		text, err := php.JSON(string(source))
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, want, got)
	}
}

func TestLiterals(t *testing.T) {
	for literal, want := range map[string]string{
		`null`: `null`, `NULL`: `null`, `True`: `true`, `FALSE`: `false`,
		`0`: `0`, `-0`: `0`, `+7`: `7`, `-12`: `-12`, `1_000_000`: `1000000`, `9223372036854775807`: `9223372036854775807`, `-9223372036854775807`: `-9223372036854775807`,
		`0x1F`: `31`, `0Xff_ff`: `65535`, `0b101`: `5`, `017`: `15`, `0o17`: `15`, `0_7`: `7`, `-0x10`: `-16`,
		`1.5`: `1.5`, `.5`: `0.5`, `1.`: `1`, `-2.25e2`: `-225`, `1e3`: `1000`, `1E-2`: `0.01`, `1.0E+25`: `1e+25`, `08.5`: `8.5`, `1_0.2_5`: `10.25`,
		`''`: `""`, `'a'`: `"a"`, `'it\'s'`: `"it's"`, `'a\\b'`: `"a\\b"`, `'a\nb'`: `"a\\nb"`, `'$a {$b}'`: `"$a {$b}"`, `'Ünïcode'`: `"Ünïcode"`, "'two\nlines'": `"two\nlines"`, `'\\'`: `"\\"`,
		`""`: `""`, `"a\n\t\r\"\\\$"`: `"a\n\t\r\"\\$"`, `"\v\e\f"`: `"\u000b\u001b\f"`, `"\101\60\x41\x4a\u{41}\u{1F600}"`: `"A0AJA😀"`, `"\400"`: `"\u0000"`, `"\xc3\xbc"`: `"ü"`,
		`"\q \' \x \u \8"`: `"\\q \\' \\x \\u \\8"`, `"$ $1 { $"`: `"$ $1 { $"`, `"it's"`: `"it's"`, `"\0"`: `"\u0000"`, `"\08"`: `"\u00008"`,
		`[]`: `[]`, `array()`: `[]`, `Array (1)`: `[1]`, `[1, 2,]`: `[1,2]`, `[[[]]]`: `[[[]]]`, `array('a' => array(1, 'b' => [],),)`: `{"a":{"0":1,"b":[]}}`,
		`[0 => 'a', 1 => 'b']`: `["a","b"]`, `[1 => 'a']`: `{"1":"a"}`, `[1 => 'b', 0 => 'a']`: `{"1":"b","0":"a"}`, `['x' => 1, 5 => 2, 3]`: `{"x":1,"5":2,"6":3}`, `['0' => 1, '1' => 2]`: `[1,2]`,
		`['08' => 1, '-0' => 2, '-5' => 3, '1.5' => 4, ' 1' => 5, '9223372036854775808' => 6]`: `{"08":1,"-0":2,"-5":3,"1.5":4," 1":5,"9223372036854775808":6}`,
		`[-5 => 1, 0 => 2, 3]`: `{"-5":1,"0":2,"1":3}`, `[ // one` + "\n" + `1, # two` + "\r\n" + ` /* three ?> */ 2 /**/ , /* * / */ 3]`: `[1,2,3]`,
	} {
		got, err := php.JSON("<?php return " + literal + ";")
		require.NoError(t, err, literal)
		require.JSONEq(t, want, string(got), literal)
		if strings.HasPrefix(want, "{") || strings.HasPrefix(want, "[") {
			require.Equal(t, want, string(got), "in order: %s", literal)
		}
	}
}

func TestWholeFiles(t *testing.T) {
	for _, source := range []string{
		"<?php return 1;", "<?PHP\r\nRETURN\t1 ; ", "<?php\n// a comment\nreturn/* here */1;# there", "<?php return 1; ?>", "<?php return 1;?>\n", "<?php return 1;?>\r\n",
		"<?php return[1];", "<?php return'1';",
	} {
		_, err := php.JSON(source)
		require.NoError(t, err, source)
	}
}

// Only a literal is accepted, and the error has its position.
func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		source       string
		line, column int
		text         string
	}{
		{"", 1, 1, "begin"}, {"return 1;", 1, 1, "begin"}, {" <?php return 1;", 1, 1, "begin"}, {"\ufeff<?php return 1;", 1, 1, "begin"}, {"<? return 1;", 1, 1, "begin"}, {"<?phpreturn 1;", 1, 1, "begin"}, {"<?= 1;", 1, 1, "begin"},
		{"<?php", 1, 6, "return"}, {"<?php\nphpinfo();", 2, 1, "return"}, {"<?php declare(strict_types=1); return 1;", 1, 7, "return"}, {"<?php namespace a; return 1;", 1, 7, "return"}, {"<?php #[A]\nreturn 1;", 1, 7, "return"}, {"<?php $a = 1; return $a;", 1, 7, "return"},
		{"<?php return;", 1, 13, "expected"}, {"<?php return 1", 1, 15, ";"}, {"<?php return 1?>", 1, 15, ";"}, {"<?php return 1; echo 2;", 1, 17, "behind"}, {"<?php return 1;;", 1, 16, "behind"}, {"<?php return 1; ?>\n\n", 2, 1, "behind"}, {"<?php return 1; ?> <?php system('id');", 1, 19, "behind"}, {"<?php return 1; ?>\n<html>", 2, 1, "behind"},
		{"<?php return (1);", 1, 14, "expected"}, {"<?php return $a;", 1, 14, "expected"}, {"<?php return A;", 1, 14, "expected"}, {"<?php return PHP_INT_MAX;", 1, 14, "expected"}, {"<?php return \\true;", 1, 14, "expected"}, {"<?php return truely;", 1, 14, "expected"}, {"<?php return NAN;", 1, 14, "expected"},
		{"<?php return system('id');", 1, 14, "expected"}, {"<?php return new A;", 1, 14, "expected"}, {"<?php return (object) [];", 1, 14, "expected"}, {"<?php return A::__set_state(array());", 1, 14, "expected"}, {"<?php return function() {};", 1, 14, "expected"}, {"<?php return `id`;", 1, 14, "expected"}, {"<?php return array;", 1, 14, "expected"}, {"<?php return <<<A\nA;", 1, 14, "expected"}, {"<?php return !1;", 1, 14, "expected"},
		{"<?php return 1 + 1;", 1, 16, ";"}, {"<?php return 'a' . 'b';", 1, 18, ";"}, {"<?php return ['a' . 'b'];", 1, 19, "comma"}, {"<?php return [1 ?? 2];", 1, 17, "comma"}, {"<?php return - 1;", 1, 14, "number"}, {"<?php return --1;", 1, 14, "number"}, {"<?php return -'1';", 1, 14, "number"}, {"<?php return ...[1];", 1, 14, "number"}, {"<?php return [...[1]];", 1, 15, "number"},
		{"<?php return 1_;", 1, 14, "number"}, {"<?php return 1__0;", 1, 14, "number"}, {"<?php return 08;", 1, 14, "number"}, {"<?php return 0x;", 1, 14, "number"}, {"<?php return 0b2;", 1, 14, "number"}, {"<?php return 0o_7;", 1, 14, "number"}, {"<?php return 1.2.3;", 1, 14, "number"}, {"<?php return .;", 1, 14, "number"}, {"<?php return 1e;", 1, 14, "number"}, {"<?php return .e1;", 1, 14, "number"}, {"<?php return 1a;", 1, 14, "number"},
		{"<?php return 9223372036854775808;", 1, 14, "too large"}, {"<?php return -9223372036854775808;", 1, 14, "too large"}, {"<?php return 0xffffffffffffffff;", 1, 14, "too large"}, {"<?php return 1e400;", 1, 14, "too large"},
		{"<?php return 'a;", 1, 14, "no end"}, {"<?php return 'a\\';", 1, 14, "no end"}, {"<?php return \"a;", 1, 14, "no end"}, {"<?php return \"a\\\";", 1, 14, "no end"}, {"<?php return \"\\", 1, 14, "no end"}, {"<?php return b'a';", 1, 14, "expected"},
		{"<?php return \"a $b\";", 1, 17, "variable"}, {"<?php return \"{$b}\";", 1, 15, "variable"}, {"<?php return \"${b}\";", 1, 15, "variable"}, {"<?php return \"\\{$b}\";", 1, 16, "variable"}, {"<?php return \"$_\";", 1, 15, "variable"}, {"<?php return \"$ü\";", 1, 15, "variable"},
		{"<?php return \"\\u{}\";", 1, 15, "character"}, {"<?php return \"\\u{110000}\";", 1, 15, "character"}, {"<?php return \"\\u{D800}\";", 1, 15, "character"}, {"<?php return \"\\u{41\";", 1, 15, "character"}, {"<?php return \"\\u{fffffffffffffffff}\";", 1, 15, "character"},
		{"<?php return '\xff';", 1, 14, "UTF-8"}, {"<?php return \"\\xff\";", 1, 14, "UTF-8"}, {"<?php return [\"\\377\" => 1];", 1, 15, "UTF-8"},
		{"<?php return [,];", 1, 15, "expected"}, {"<?php return [1,,];", 1, 17, "expected"}, {"<?php return [1;", 1, 16, "comma"}, {"<?php return [1);", 1, 16, "comma"}, {"<?php return array(1];", 1, 21, "comma"}, {"<?php return [", 1, 15, "expected"}, {"<?php return [1 => ];", 1, 20, "expected"}, {"<?php return [ => 1];", 1, 16, "expected"}, {"<?php return [&$a];", 1, 15, "expected"},
		{"<?php return [true => 1];", 1, 15, "a key"}, {"<?php return [null => 1];", 1, 15, "a key"}, {"<?php return [1.5 => 1];", 1, 15, "a key"}, {"<?php return [[] => 1];", 1, 15, "a key"},
		{"<?php return ['a' => 1,\n 'a' => 2];", 2, 2, "twice"}, {"<?php return [1, 0 => 2];", 1, 18, "twice"}, {"<?php return [1 => 1, '1' => 2];", 1, 23, "twice"}, {"<?php return [-5 => 1, 2];", 1, 24, "which key"}, {"<?php return [9223372036854775807 => 1, 2];", 1, 41, "which key"},
		{"<?php return [1 // ?> <?php\n];", 1, 20, "closing tag"}, {"<?php # ?>\nreturn 1;", 1, 9, "closing tag"}, {"<?php /* return 1;", 1, 7, "no end"}, {"<?php return 1; /* ", 1, 17, "no end"}, {"<?php return 1 /* /*", 1, 16, "no end"}, {"<?php return \v1;", 1, 14, "expected"}, {"<?php return 1;\x00", 1, 16, "behind"},
	} {
		value, err := php.JSON(c.source)
		var syntax *php.SyntaxError
		require.ErrorAs(t, err, &syntax, "%q is %v", c.source, value)
		require.Nil(t, value, "%q", c.source)
		require.Contains(t, syntax.Text, c.text, "%q", c.source)
		require.Equal(t, [2]int{c.line, c.column}, [2]int{syntax.Line, syntax.Column}, "%q: %v", c.source, err)
	}
}

func TestBounds(t *testing.T) {
	nested := func(n int) string {
		return "<?php return " + strings.Repeat("[", n) + strings.Repeat("]", n) + ";"
	}
	_, err := php.JSON(nested(php.MaxDepth))
	require.NoError(t, err)
	_, err = php.JSON(nested(php.MaxDepth + 1))
	require.ErrorContains(t, err, "within one another")
	_, err = php.JSON(nested(php.MaxSize / 3))
	require.ErrorContains(t, err, "within one another")

	around := "<?php return '';"
	_, err = php.JSON(strings.Replace(around, "''", "'"+strings.Repeat("a", php.MaxSize-len(around))+"'", 1))
	require.NoError(t, err)
	_, err = php.JSON(strings.Replace(around, "''", "'"+strings.Repeat("a", php.MaxSize-len(around)+1)+"'", 1))
	require.ErrorContains(t, err, "larger than")

	start := time.Now()
	for _, piece := range []string{"[],", "1,", "'',", "/**/", "#\n", `"\u{41}",`, "'a'=>1,", "//", "[1=>", "1e", "1e-", "0x1e-", "-", "1_", "\\\\"} {
		php.JSON("<?php return [" + strings.Repeat(piece, php.MaxSize/8/len(piece)) + "];")
	}
	require.Less(t, time.Since(start), 30*time.Second, "time is linear in size")
}

// The output of var_export for any value is read as that value.
func TestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		literal, want := random(r, 4)
		got, err := php.JSON("<?php\n return " + literal + ";")
		require.NoError(t, err, literal)
		require.JSONEq(t, want, string(got), literal)
	}
}

// random spells a value in PHP and in JSON.
func random(r *rand.Rand, depth int) (literal, text string) {
	switch n := r.IntN(8); {
	case n == 0:
		return "NULL", "null"
	case n == 1:
		b := strconv.FormatBool(r.IntN(2) == 0)
		return b, b
	case n == 2:
		n := strconv.Itoa(int(r.Uint32()) - 1<<31)
		return n, n
	case n == 3:
		f, _ := json.Marshal(r.NormFloat64())
		return string(f), string(f)
	case n < 6 || depth == 0:
		return randomText(r)
	}
	var literals, members []string
	list := r.IntN(2) == 0
	for i := range r.IntN(4) {
		literal, value := random(r, depth-1)
		key := strconv.Itoa(i)
		if !list {
			key = "k" + key
		}
		name, _ := json.Marshal(key)
		if list {
			members = append(members, value)
		} else {
			members = append(members, string(name)+":"+value)
			key = "'" + key + "'"
		}
		literals = append(literals, "  "+key+" => "+literal+",\n")
	}
	literal = "[\n" + strings.Join(literals, "") + "]"
	if r.IntN(2) == 0 {
		literal = "array (\n" + strings.Join(literals, "") + ")"
	}
	if list || len(members) == 0 {
		return literal, "[" + strings.Join(members, ",") + "]"
	}
	return literal, "{" + strings.Join(members, ",") + "}"
}

func randomText(r *rand.Rand) (literal, text string) {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteRune([]rune(`'"\$aZ09 {}n` + "\n\t\x00ü€😀")[r.IntN(17)])
	}
	encoded, _ := json.Marshal(b.String())
	if r.IntN(2) == 0 {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(b.String()) + "'", string(encoded)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "ü", `\xc3\xbc`, "€", `\u{20ac}`).Replace(b.String()) + `"`, string(encoded)
}

// FuzzJSON checks that JSON always ends, and that its output is JSON.
func FuzzJSON(f *testing.F) {
	for _, source := range []string{
		"<?php return ['a' => [1, -2.5e3, \"\\u{41}$\"], // x\n 'b' => array(NULL,),];", "<?php return '", "<?php return 0x1_F;?>\n", "<?php /* */ return \"{$a}\";",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		text, err := php.JSON(source)
		if err != nil {
			require.LessOrEqual(t, err.(*php.SyntaxError).Line, strings.Count(source, "\n")+1)
			require.Positive(t, err.(*php.SyntaxError).Column)
			return
		}
		require.True(t, json.Valid(text))
	})
}
