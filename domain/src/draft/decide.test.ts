import type { DraftContent } from '@tidings/contracts/events/draft';
import { timestamp } from '@tidings/contracts/time';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, draftNo, emailNo, mailboxNo, threadNo } from '../testing/people.ts';
import { draftDiscarded, draftDispatched, draftSaved, draftSendUndone, draftSubmitted } from './events.ts';
import { draft, type DraftCommand } from './index.ts';

const given = specify(draft);
const draftId = draftNo(1);
const mailboxId = mailboxNo(1);
const from = { name: 'Alice', email: 'alice@tidings.test' };
const summary = { from, to: [], subject: 'Hello', preview: '', hasAttachments: false };
const saying = (text: string): DraftContent => ({
  ...{ from, to: [], cc: [], bcc: [], subject: 'Hello', text, html: '', attachments: [], inReplyTo: null },
  ...{ signatureId: null, unsubscribe: null },
});
const where = { draftId, mailboxId, threadId: null };
type Save = Extract<DraftCommand, { readonly type: 'SaveDraft' }>;
const save = (basedOn: number, text: string, by = alice): Save => ({
  type: 'SaveDraft',
  ...{ ...where, basedOn, summary, content: saying(text), contentBlobId: null, attachmentIds: [], by },
});
const saved = (revision: number, text: string, by = alice) =>
  draftSaved({
    ...{ ...where, movedFrom: null, revision, summary, content: saying(text), contentBlobId: null },
    ...{ blobIds: [], releases: [], by },
  });

describe('a draft', () => {
  it('begins at revision 1 and takes each save on the revision that its writer saw', () => {
    given().when(save(0, 'a')).then(saved(1, 'a'));
    given(saved(1, 'a')).when(save(1, 'b')).then(saved(2, 'b'));
    given(saved(1, 'a'), saved(2, 'b'))
      .when(save(1, 'c', bob))
      .thenRejected({ type: 'DraftChangedMeanwhile' });
    given().when(save(1, 'a')).thenRejected({ type: 'NoSuchDraft' });
  });

  it('is not changed by the same content, whatever revision that names', () => {
    given(saved(1, 'a')).when(save(1, 'a')).thenNothing();
    given(saved(1, 'a'), saved(2, 'b'))
      .when(save(1, 'b', bob))
      .thenNothing();
    given(saved(1, 'a')).when(save(0, 'a')).thenNothing();
  });

  it('lets go of what it no longer needs', () => {
    const [first, second, file] = [blobNo(1), blobNo(2), blobNo(3)];
    const large: Save = { ...save(0, ''), content: null, contentBlobId: first, attachmentIds: [file] };
    const before = draftSaved({
      ...{ ...where, movedFrom: null, revision: 1, summary, content: null, contentBlobId: first },
      ...{ blobIds: [first, file], releases: [], by: alice },
    });
    given().when(large).then(before);
    given(before)
      .when({ ...large, basedOn: 1, contentBlobId: second })
      .then(draftSaved({ ...before.data, revision: 2, contentBlobId: second, blobIds: [second, file], releases: [first] }));
    const discarded = draftDiscarded({ ...where, releases: [first, file], by: alice });
    given(before).when({ type: 'DiscardDraft', draftId, by: alice }).then(discarded);
    given(before, discarded).when({ type: 'DiscardDraft', draftId, by: alice }).thenNothing();
    given(before, discarded).when(large).thenRejected({ type: 'NoSuchDraft' });
  });

  it('moves to another mailbox with all it says', () => {
    const moved = { ...saved(2, 'a').data, mailboxId: mailboxNo(2), movedFrom: mailboxId };
    given(saved(1, 'a'))
      .when({ ...save(1, 'a'), mailboxId: mailboxNo(2) })
      .then(draftSaved(moved));
  });
});

describe('sending a draft', () => {
  const outgoing = {
    ...{ emailId: emailNo(1), rawBlobId: blobNo(9), size: 10, messageId: 'a@tidings.test', sendAt: timestamp(10_000) },
    envelope: { from: from.email, recipients: [{ address: 'bob@elsewhere.test', kind: 'to' }] },
  } as const;
  const submit = { type: 'SubmitDraft', draftId, mailboxId, revision: 1, scheduled: false, ...outgoing, by: alice } as const;
  const submitted = draftSubmitted({ ...where, submission: 1, revision: 1, ...outgoing, by: alice });
  const undo = { type: 'UndoSend', draftId, by: bob } as const;
  const undone = draftSendUndone({ ...where, submission: 1, releases: [blobNo(9)], by: bob });
  const dispatch = { type: 'DispatchDraft', draftId, submission: 1, threadId: threadNo(1) } as const;
  const dispatched = draftDispatched({ draftId, mailboxId, submission: 1, emailId: emailNo(1), threadId: threadNo(1), releases: [] });
  const begun = saved(1, 'a');

  it('is of what was composed, and once', () => {
    given(begun).when(submit).then(submitted);
    given(begun, submitted)
      .when({ ...submit, sendAt: timestamp(10_005), rawBlobId: blobNo(8) })
      .thenNothing();
    given(begun, submitted, dispatched).when(submit).thenNothing();
    given(begun, saved(2, 'b')).when(submit).thenRejected({ type: 'DraftChangedMeanwhile' });
    given().when(submit).thenRejected({ type: 'NoSuchDraft' });
  });

  it('at a chosen time is not moved by asking again for another', () => {
    given(begun, submitted)
      .when({ ...submit, scheduled: true, sendAt: timestamp(99_000) })
      .thenRejected({ type: 'DraftBeingSent' });
    given(begun, submitted)
      .when({ ...submit, scheduled: true })
      .thenNothing();
  });

  it('holds it as it is until it is taken back', () => {
    given(begun, submitted).when(save(1, 'b')).thenRejected({ type: 'DraftBeingSent' });
    given(begun, submitted).when({ type: 'DiscardDraft', draftId, by: alice }).thenRejected({ type: 'DraftBeingSent' });
    given(begun, submitted).when(undo).then(undone);
    given(begun, submitted, undone).when(undo).thenNothing();
    given(begun, submitted, undone).when(save(1, 'b')).then(saved(2, 'b'));
    given(begun, submitted, undone)
      .when(submit)
      .then(draftSubmitted({ ...submitted.data, submission: 2 }));
  });

  it('and taking it back have one winner', () => {
    given(begun, submitted).when(dispatch).then(dispatched);
    given(begun, submitted, dispatched).when(dispatch).thenNothing();
    given(begun, submitted, dispatched).when(undo).thenRejected({ type: 'DraftSent' });
    given(begun, submitted, undone).when(dispatch).thenRejected({ type: 'NoSuchDraft' });
    given(begun, submitted, undone, draftSubmitted({ ...submitted.data, submission: 2 }))
      .when(dispatch)
      .thenRejected({ type: 'NoSuchDraft' });
    given(begun, submitted, dispatched).when(save(1, 'b')).thenRejected({ type: 'DraftSent' });
  });

  it('needs no draft for a message that is handed over whole', () => {
    const whole = { ...submit, revision: 0 } as const;
    const taken = draftSubmitted({ ...submitted.data, revision: 0 });
    given().when(whole).then(taken);
    given(taken).when(whole).thenNothing();
    given(taken, undone).when(whole).thenRejected({ type: 'NoSuchDraft' });
  });
});
