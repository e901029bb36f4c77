import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { emailNo, mailboxNo, threadNo } from '../testing/people.ts';
import { filingDecided } from './events.ts';
import { filing } from './index.ts';

const given = specify(filing);
const place = { mailboxId: mailboxNo(1), emailId: emailNo(1) };
const inThread = { type: 'thread', threadId: threadNo(1), by: 'new' } as const;

it('a mail is filed once, and the first answer stands', () => {
  given()
    .when({ type: 'DecideFiling', ...place, outcome: inThread })
    .then(filingDecided({ ...place, outcome: inThread }));
  given(filingDecided({ ...place, outcome: inThread }))
    .when({ type: 'DecideFiling', ...place, outcome: { type: 'duplicate', of: emailNo(2) } })
    .thenNothing();
});
