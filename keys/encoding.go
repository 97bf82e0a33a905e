package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// encodedRecord is version 1 of a record's bytes. Its digests take the place of the record's, which do not marshal.
type encodedRecord struct {
	Version int `json:"v"`
	Record
	Digest, Previous encodedDigest
}

type encodedDigest struct {
	Algorithm string `json:",omitempty"`
	Sum       string `json:",omitempty"` // hex
}

// EncodeRecord returns all of r as bytes, for a [Store] over a key-value database; json.Marshal leaves the digests out.
// The bytes are JSON with a version, and are as secret as digests.
func EncodeRecord(r Record) ([]byte, error) {
	return json.Marshal(encodedRecord{1, r, encodeDigest(r.Digest), encodeDigest(r.Previous)})
}

// DecodeRecord returns the record that [EncodeRecord] encoded as data. It returns an error for any other data, including a
// later version.
func DecodeRecord(data []byte) (Record, error) {
	var e encodedRecord
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Record{}, fmt.Errorf("keys: not an encoded record: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Record{}, errors.New("keys: not an encoded record: it is followed by other data")
	}
	if e.Version != 1 {
		return Record{}, fmt.Errorf("keys: an encoded record of unknown version %d", e.Version)
	}
	r := e.Record
	var err, errPrevious error
	r.Digest, err = e.Digest.decode()
	r.Previous, errPrevious = e.Previous.decode()
	if err = errors.Join(err, errPrevious); err != nil {
		return Record{}, err
	}
	for _, at := range []*time.Time{&r.CreatedAt, &r.RefreshedAt, &r.ExpiresAt, &r.DisabledAt, &r.InvalidatedAt, &r.LastUsedAt,
		&r.PreviousUntil} {
		*at = inMicros(*at)
	}
	return r, nil
}

func encodeDigest(d Digest) encodedDigest {
	if d.IsZero() {
		return encodedDigest{}
	}
	algorithm, sum := d.Reveal()
	return encodedDigest{algorithm, hex.EncodeToString(sum[:])}
}

func (e encodedDigest) decode() (Digest, error) {
	if e == (encodedDigest{}) {
		return Digest{}, nil
	}
	sum, err := hex.DecodeString(e.Sum)
	if err != nil || len(sum) != 32 || e.Algorithm == "" {
		return Digest{}, errors.New("keys: not an encoded record: a digest needs an algorithm and 64 hex digits")
	}
	return NewDigest(e.Algorithm, [32]byte(sum)), nil
}
