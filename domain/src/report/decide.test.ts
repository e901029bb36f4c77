import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, messageNo, reportNo, roomNo } from '../testing/people.ts';
import { messageReported, reportResolved } from './events.ts';
import { report, reportIdOf } from './index.ts';

const given = specify(report);
const reportId = reportIdOf(messageNo(1), bob);
const about = { roomId: roomNo(1), messageId: messageNo(1), senderId: alice, reportedBy: bob, reason: 'Advertising' };
const send = { type: 'ReportMessage', ...about, isMember: true } as const;
const resolve = { type: 'ResolveReport', reportId, by: carol, outcome: 'removed' } as const;
const reported = messageReported({ reportId, ...about });
const resolved = reportResolved({ reportId, by: carol, outcome: 'removed' });

it('a member reports a message of others, once', () => {
  given().when(send).then(reported);
  given(reported)
    .when({ ...send, reason: 'Rude', isMember: false })
    .thenNothing();
  given(reported, resolved).when(send).thenNothing();
  given(reported)
    .when({ ...send, roomId: roomNo(2), senderId: null })
    .thenRejected({ type: 'NoSuchMessage' });
  given()
    .when({ ...send, isMember: false })
    .thenRejected({ type: 'NotAMember', userId: bob });
  given()
    .when({ ...send, senderId: null })
    .thenRejected({ type: 'NoSuchMessage', messageId: messageNo(1) });
  given()
    .when({ ...send, senderId: bob })
    .thenRejected({ type: 'OwnMessage' });
});

it('is resolved one way', () => {
  given(reported).when(resolve).then(resolved);
  given(reported, resolved).when(resolve).thenNothing();
  given(reported, resolved)
    .when({ ...resolve, outcome: 'dismissed' })
    .thenRejected({ type: 'ReportClosed', outcome: 'removed' });
  given()
    .when({ ...resolve, reportId: reportNo(9) })
    .thenRejected({ type: 'NoSuchReport', reportId: reportNo(9) });
});
