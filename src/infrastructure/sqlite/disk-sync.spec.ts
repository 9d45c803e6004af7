import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { DiskSync, SYNC_FAILED } from './disk-sync.js';

/** A disk whose syncs end when the test says so. */
function heldDisk() {
  const syncs: { end: () => void; fail: (error: Error) => void }[] = [];
  const disk = new DiskSync(() => new Promise<void>((end, fail) => syncs.push({ end, fail })));
  const commit = () => {
    disk.noteCommit();
    const state = { settled: false };
    const settled = disk.waitUntilSynced().then(() => (state.settled = true));
    return { state, settled };
  };
  return { disk, syncs, commit };
}

describe('the sync of the disk', () => {
  it('settles a commit when a sync has ended that began after it', async () => {
    const { syncs, commit } = heldDisk();
    const first = commit();
    const second = commit();
    await eventually(() => expect(syncs).toHaveLength(1));
    const third = commit();
    syncs[0]?.end();
    await first.settled;
    await eventually(() => expect(syncs).toHaveLength(2));
    // The first sync began before they had returned.
    expect([second.state.settled, third.state.settled]).toEqual([false, false]);
    syncs[1]?.end();
    await Promise.all([second.settled, third.settled]);
    expect(syncs).toHaveLength(2);
  });

  it('costs nothing while everything is on the disk', async () => {
    const { disk, syncs, commit } = heldDisk();
    await disk.waitUntilSynced();
    const { settled } = commit();
    syncs[0]?.end();
    await settled;
    await disk.waitUntilSynced();
    expect(syncs).toHaveLength(1);
  });

  it('promises nothing any more once it has failed, although a later one would succeed', async () => {
    const { disk, syncs, commit } = heldDisk();
    const failing = commit();
    syncs[0]?.fail(new Error('EIO'));
    await expect(failing.settled).rejects.toMatchObject({ kind: 'infrastructure', code: SYNC_FAILED });
    await expect(disk.waitUntilSynced()).rejects.toMatchObject({ code: SYNC_FAILED });
    await expect(commit().settled).rejects.toMatchObject({ code: SYNC_FAILED });
    expect(() => disk.throwIfFailed()).toThrow('EIO');
    expect(syncs).toHaveLength(1);
  });
});
