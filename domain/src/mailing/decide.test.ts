import { timestamp } from '@tidings/contracts/time';
import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, emailNo, messageNo, roomNo, userNo } from '../testing/people.ts';
import { mailingPlanned, messageMailed, messageMailStatusChanged, messageNotMailed } from './events.ts';
import { mailing } from './index.ts';

const given = specify(mailing);
const message = { roomId: roomNo(1), messageId: messageNo(1) };
const to = (userId: typeof alice) => ({ userId, policy: 'at-once', dueAt: timestamp(0) }) as const;
const plan = (...recipients: ReturnType<typeof to>[]) => ({ type: 'PlanMailing', ...message, senderId: alice, recipients }) as const;
const planned = mailingPlanned({ ...message, senderId: alice, recipients: [to(bob), to(carol)] });
const mail = (userId = bob, emailId = emailNo(1)) => ({ type: 'Mail', ...message, userId, emailId, insteadOf: null }) as const;
const mailed = messageMailed({ ...message, userId: bob, emailId: emailNo(1) });
const doNot = { type: 'DoNotMail', ...message, userId: bob, because: 'deleted' } as const;
const notMailed = messageNotMailed({ ...message, userId: bob, because: 'deleted' });

it('who is told is decided once, and never its author', () => {
  given()
    .when(plan(to(bob), to(carol), to(bob), to(alice)))
    .then(planned);
  given(planned)
    .when(plan(to(bob)))
    .thenNothing();
  given().when(plan()).thenNothing();
  given()
    .when(plan(to(alice)))
    .thenNothing();
});

it('a large room is planned in several events', () => {
  const all = Array.from({ length: 1_001 }, (_, n) => to(userNo(n + 10)));
  const piece = (recipients: typeof all) => mailingPlanned({ ...message, senderId: alice, recipients });
  const [first, second] = [piece(all.slice(0, 1_000)), piece(all.slice(1_000))];
  given()
    .when(plan(...all))
    .then(first, second);
  given(first, second)
    .when(plan(...all))
    .thenNothing();
});

it('each of them is mailed once, or not', () => {
  given(planned).when(mail()).then(mailed);
  given(planned, mailed).when(mail()).thenNothing();
  given(planned, mailed)
    .when(mail(bob, emailNo(2)))
    .thenNothing();
  given(planned, mailed).when(doNot).thenNothing();
  given(planned).when(doNot).then(notMailed);
  given(planned, notMailed).when(mail()).thenNothing();
  given(planned).when(mail(alice)).thenNothing();
  given().when(mail()).thenNothing();
});

it('news of the mail is kept, of another mail it is not', () => {
  const news = (status: 'queued' | 'delivered', emailId = emailNo(1)) =>
    ({ type: 'RecordMailStatus', ...message, userId: bob, emailId, status }) as const;
  const delivered = messageMailStatusChanged({ ...message, userId: bob, emailId: emailNo(1), status: 'delivered' });
  given(planned, mailed).when(news('delivered')).then(delivered);
  given(planned, mailed, delivered).when(news('delivered')).thenNothing();
  given(planned, mailed).when(news('queued')).thenNothing();
  given(planned, mailed)
    .when(news('delivered', emailNo(2)))
    .thenNothing();
  given(planned).when(news('delivered')).thenNothing();
});

it('one that was called off may be told by another mail instead', () => {
  const calledOff = messageMailStatusChanged({ ...message, userId: bob, emailId: emailNo(1), status: 'cancelled' });
  const instead = (insteadOf = emailNo(1)) => ({ ...mail(bob, emailNo(2)), insteadOf });
  const again = messageMailed({ ...message, userId: bob, emailId: emailNo(2) });
  given(planned, mailed, calledOff).when(instead()).then(again);
  given(planned, mailed, calledOff, again).when(instead()).thenNothing();
  given(planned, mailed, calledOff)
    .when(instead(emailNo(3)))
    .thenNothing();
  given(planned, mailed).when(instead()).thenNothing();
  given(planned, mailed, calledOff)
    .when({ ...mail(), insteadOf: emailNo(1) })
    .thenNothing();
});
