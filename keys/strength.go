package keys

import (
	"math"
	"strings"
)

// minStrength is the number of bits that NIST SP 800-63B and OWASP ASVS 6.5.2 require of a secret that is stored under a
// plain hash.
const minStrength = 112

// strength estimates the bits of randomness in text: the smallest of
//
//   - length × log2 of the alphabet that its characters come from (digits 10, hex 16, letters 26 or 52, others 33),
//   - length × the empirical entropy of its characters,
//   - length × the empirical entropy of the steps from one character to the next, which finds "abcdef…",
//   - 2 bits a character, if it has blanks or no digit, and so consists of words.
//
// Characters that end a repeated group of four do not count towards the length. A short text has less empirical entropy
// than its source; Miller and Madow's correction, (distinct symbols - 1) / (2 ln 2) bits, compensates for it. The estimate
// does not detect words that are joined with numbers: it refuses accidents and does not prove randomness.
func strength(text string) float64 {
	if text == "" {
		return 0
	}
	var chars, steps [256]int
	seen := map[string]bool{}
	length := 0
	for i := range len(text) {
		chars[text[i]]++
		if i > 0 {
			steps[text[i]-text[i-1]]++
		}
		if i < 3 || !seen[text[i-3:i+1]] {
			length++
		}
		if i >= 3 {
			seen[text[i-3:i+1]] = true
		}
	}
	n := float64(length)
	bits := min(n*math.Log2(alphabet(text)), entropy(&chars, n), entropy(&steps, n))
	if strings.ContainsRune(text, ' ') || !strings.ContainsAny(text, "0123456789") {
		bits = min(bits, 2*n)
	}
	return bits
}

// entropy returns n times the empirical entropy of the counted symbols, in bits, corrected for small samples.
func entropy(counts *[256]int, n float64) float64 {
	var total, distinct, sum float64
	for _, c := range counts {
		if c > 0 {
			total += float64(c)
			distinct++
			sum -= float64(c) * math.Log2(float64(c))
		}
	}
	if distinct < 2 {
		return 0
	}
	return n*(math.Log2(total)+sum/total) + (distinct-1)/(2*math.Ln2)
}

// alphabet returns the size of the smallest usual alphabet that has all bytes of text.
func alphabet(text string) float64 {
	var digit, lower, upper, other, beyondF float64
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digit = 10
		case c >= 'a' && c <= 'z':
			lower = 26
			if c > 'f' {
				beyondF = 1
			}
		case c >= 'A' && c <= 'Z':
			upper = 26
			if c > 'F' {
				beyondF = 1
			}
		default:
			other = 33
		}
	}
	if digit > 0 && beyondF == 0 && other == 0 && (lower == 0) != (upper == 0) {
		return 16
	}
	return digit + lower + upper + other
}
