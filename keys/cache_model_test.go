package keys_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// A value is a key's value as the nodes should see it: the last acknowledged change, its node and its time.
type value struct {
	key      *modelKey
	text     string
	good     bool
	on       int
	at       time.Time
	changing int // changes that began and are not acknowledged
	version  int // counts changes
}

type modelKey struct {
	id                    string
	busy, disabled, ended bool
	values                []*value // the last one is current
}

// Two nodes over one store change and verify keys, while every call of the store or the feed is delayed, before or after its
// effect. On the node that made a change the next request sees it; on the other one it does within the staleness.
func TestNodesAgree(t *testing.T) {
	for name, setting := range map[string]struct{ mute, failing bool }{
		"with a listener": {}, "polling alone": {mute: true}, "with store errors": {mute: true, failing: true},
	} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			rounds := uint64(2)
			if long {
				rounds = 100
			}
			for round := range rounds {
				synctest.Test(t, func(t *testing.T) { runNodes(t, rand.New(rand.NewPCG(seed, round)), setting.mute, setting.failing) })
			}
		})
	}
}

func runNodes(t *testing.T, seeds *rand.Rand, mute, failing bool) {
	const staleness = 500 * time.Millisecond
	var mu sync.Mutex // of rnd and the model
	rnd := rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64()))
	n := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	began := time.Now()
	lag := func(ctx context.Context, method string) error {
		if d := n(100); d > 50 {
			time.Sleep(time.Duration(d) * time.Millisecond)
		}
		out := method == "Changes" && time.Since(began)%(5*time.Second) > 3*time.Second
		if failing && (out || n(10) == 0) {
			return errDown
		}
		return nil
	}
	all := newShared()
	var nodes [2]*node
	var rings [2]*keys.Ring
	for i := range nodes {
		nodes[i] = all.node()
		nodes[i].mute.Store(mute)
		nodes[i].before.set(lag)
		nodes[i].after.set(lag)
		rings[i] = nodes[i].ring(t, keys.Config{Staleness: staleness, CacheBytes: 20_000, StoreTimeout: 300 * time.Millisecond})
	}
	var model []*modelKey
	var values []*value
	begin := func(k *modelKey) {
		for _, v := range k.values {
			v.changing++
		}
	}
	// settle records the result of a change. After an error it is not known, so the key is not used again.
	settle := func(k *modelKey, on int, err error, good func(v *value) bool) {
		if err != nil {
			return
		}
		for _, v := range k.values {
			v.changing--
			v.version++
			if is := good(v); is != v.good {
				v.good, v.on, v.at = is, on, time.Now()
			}
		}
		k.busy = false
	}
	change := func(on int) {
		mu.Lock()
		var k *modelKey
		if len(model) > 0 && rnd.IntN(5) > 0 {
			if k = model[rnd.IntN(len(model))]; k.busy {
				mu.Unlock()
				return
			}
		}
		if k == nil {
			mu.Unlock()
			issued, err := rings[on].IssueCustom(ctx, keys.Custom{})
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			k = &modelKey{id: issued.Record.ID}
			v := &value{key: k, text: issued.Key.Reveal(), good: true, on: on, at: time.Now()}
			k.values = append(k.values, v)
			model, values = append(model, k), append(values, v)
			return
		}
		defer mu.Unlock()
		k.busy = true
		begin(k)
		op := rnd.IntN(8)
		mu.Unlock()
		var err error
		var added *value
		was := *k
		switch {
		case op < 3 && !k.ended:
			was.disabled = !was.disabled
			if was.disabled {
				err = rings[on].Disable(ctx, k.id)
			} else {
				err = rings[on].Enable(ctx, k.id)
			}
		case op < 6 && !k.ended:
			var issued keys.Issued
			if issued, err = rings[on].Refresh(ctx, k.id, keys.Renewal{}); err == nil {
				added = &value{key: k, text: issued.Key.Reveal(), on: on, changing: 1}
			}
		default:
			was.ended = true
			err = rings[on].Invalidate(ctx, k.id)
		}
		if !failing {
			require.NoError(t, err)
		}
		mu.Lock()
		if added != nil {
			k.values, values = append(k.values, added), append(values, added)
		}
		k.disabled, k.ended = was.disabled, was.ended
		settle(k, on, err, func(v *value) bool {
			return v == k.values[len(k.values)-1] && !k.disabled && !k.ended
		})
	}
	judged, accepted := 0, 0
	verify := func(on int) {
		mu.Lock()
		if len(values) == 0 {
			mu.Unlock()
			return
		}
		v := values[max(rnd.IntN(len(values)), rnd.IntN(len(values)))]
		before, began := *v, time.Now()
		mu.Unlock()
		got, err := rings[on].Verify(ctx, v.text)
		got.Used()
		mu.Lock()
		defer mu.Unlock()
		if before.changing > 0 || v.changing > 0 || v.version != before.version {
			return // it was changed meanwhile: either answer is right
		}
		if before.on != on && began.Sub(before.at) <= staleness {
			return
		}
		judged++
		switch {
		case err == nil && !before.good:
			t.Errorf("node %d accepts a value that node %d ended %v before", on, before.on, began.Sub(before.at))
		case errors.Is(err, keys.ErrInvalid) && before.good:
			t.Errorf("node %d refuses a good value of node %d, %v after: %v", on, before.on, began.Sub(before.at), err)
		case err != nil && !errors.Is(err, keys.ErrInvalid) && !failing:
			t.Error(err)
		case err == nil && got.ID() != v.key.id:
			t.Error("another key's record")
		}
		if err == nil {
			accepted++
		}
	}
	end := time.Now().Add(time.Minute)
	var actors sync.WaitGroup
	for i := range 14 {
		actors.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				if on := i % 2; i < 4 {
					time.Sleep(time.Duration(n(1500)) * time.Millisecond)
					change(on)
				} else {
					time.Sleep(time.Duration(n(50)) * time.Millisecond)
					verify(on)
				}
			}
		})
	}
	actors.Wait()
	for _, r := range rings {
		require.NoError(t, r.Close(ctx))
	}
	time.Sleep(time.Second) // calls that outlast their deadline return
	asked := nodes[0].finds.Load() + nodes[1].finds.Load()
	require.Greater(t, judged, 500)
	require.Greater(t, accepted, 50)
	if !failing {
		require.Less(t, asked, int64(judged)*3, "something is cached")
	}
	t.Logf("%d judged, %d accepted, %d questions to the store", judged, accepted, asked)
}
