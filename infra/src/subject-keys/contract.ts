/** What every key store must do, whatever keeps the keys. */
import { derivedId, type SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const [ada, bob, cleo] = ['ada', 'bob', 'cleo'].map((name) => derivedId<SubjectId>('test', name)) as [SubjectId, SubjectId, SubjectId];

/** `other` is a second node's view of the same store. */
export type OpenKeys = () => Promise<{ readonly keys: SubjectKeys; readonly other: SubjectKeys; readonly close: () => Promise<void> }>;

export const subjectKeysContract = (name: string, open: OpenKeys): void => {
  describe(`${name}: subject keys contract`, () => {
    let keys: SubjectKeys;
    let other: SubjectKeys;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ keys, other, close } = await open());
    });
    afterEach(() => close());

    it('makes a key of 32 bytes once per subject, the same for every node', async () => {
      const made = await keys.obtain([ada, bob, ada]);
      expect([...made.keys()].toSorted()).toEqual([ada, bob].toSorted());
      expect(made.get(ada)).toHaveLength(32);
      expect(made.get(ada)).not.toEqual(made.get(bob));
      expect(await other.obtain([ada, cleo])).toEqual(new Map([[ada, made.get(ada)], [cleo, expect.anything()]])); // prettier-ignore
      expect(await keys.find([bob])).toEqual(new Map([[bob, made.get(bob)]]));
    });

    it('agrees on one key when many make it at once', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? keys : other).obtain([ada, bob])));
      for (const one of all) expect(one).toEqual(all[0]);
    });

    it('finds none it has not made, and may make it afterwards', async () => {
      expect(await keys.find([ada])).toEqual(new Map([[ada, null]]));
      expect((await keys.obtain([ada])).get(ada)).toHaveLength(32);
      expect((await keys.find([ada])).get(ada)).toHaveLength(32);
      expect(await keys.find([])).toEqual(new Map());
    });

    it('destroys for ever, also what was never made', async () => {
      await keys.obtain([ada, bob]);
      await keys.destroy(ada);
      await keys.destroy(ada);
      await keys.destroy(cleo);
      expect(await keys.find([ada, cleo])).toEqual(new Map([[ada, null], [cleo, null]])); // prettier-ignore
      const obtained = await keys.obtain([ada, bob, cleo]);
      expect([obtained.get(ada), obtained.get(cleo)]).toEqual([null, null]);
      expect(obtained.get(bob)).toHaveLength(32);
    });

    it('tells of what was destroyed, here and at other nodes', async () => {
      const heard: [string, SubjectId][] = [];
      const ends = [
        keys.onDestroyed((subject) => heard.push(['here', subject])),
        other.onDestroyed((subject) => heard.push(['there', subject])),
      ];
      await keys.destroy(ada);
      await expect.poll(() => heard, { timeout: 5000 }).toEqual(expect.arrayContaining([['here', ada], ['there', ada]])); // prettier-ignore
      for (const end of ends) end();
      await keys.destroy(bob);
      expect(heard).toHaveLength(2);
    });

    it('is forgotten by other nodes soon after', async () => {
      await other.obtain([ada]);
      await keys.destroy(ada);
      await expect.poll(async () => (await other.find([ada])).get(ada), { timeout: 5000 }).toBeNull();
      expect((await other.obtain([ada])).get(ada)).toBeNull();
    });
  });
};
