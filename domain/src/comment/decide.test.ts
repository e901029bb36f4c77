import { timestamp } from '@tidings/contracts/time';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, commentNo, mailboxNo, threadNo } from '../testing/people.ts';
import { commentDeleted, commentEdited, commentPosted } from './events.ts';
import { comment, EDITED_WITHIN_MS } from './index.ts';

const given = specify(comment);
const about = { commentId: commentNo(1), threadId: threadNo(1), mailboxIds: [mailboxNo(1)], by: alice };
const at = timestamp(0);
const inTime = timestamp(EDITED_WITHIN_MS);
const late = timestamp(EDITED_WITHIN_MS + 1);
const said = { content: 'Who takes this?', mentions: [bob] };
const post = { type: 'PostComment', ...about, at, ...said } as const;
const edit = { type: 'EditComment', ...about, at: inTime, content: 'I do.', mentions: [carol, carol] } as const;
const remove = { type: 'DeleteComment', ...about, at: inTime } as const;
const posted = commentPosted({ ...about, ...said, postedAt: at });
const deleted = commentDeleted(about);

describe('a comment', () => {
  it('is posted once', () => {
    given()
      .when({ ...post, mentions: [bob, bob] })
      .then(posted);
    given(posted).when(post).thenNothing();
    given(posted, deleted).when(post).thenNothing();
  });

  it('is its author’s to edit, for an hour', () => {
    const edited = commentEdited({ ...about, content: 'I do.', mentions: [carol] });
    given(posted).when(edit).then(edited);
    given(posted, edited).when(edit).thenNothing();
    given(posted, edited)
      .when({ ...edit, at: late })
      .thenNothing();
    given(posted)
      .when({ ...edit, at: late })
      .thenRejected({ type: 'CommentStands' });
    given(posted)
      .when({ ...edit, by: bob })
      .thenRejected({ type: 'NotTheCommentsAuthor' });
    given(posted)
      .when({ ...edit, threadId: threadNo(2) })
      .thenRejected({ type: 'NoSuchComment' });
    given().when(edit).thenRejected({ type: 'NoSuchComment' });
  });

  it('is its author’s to take back, for an hour', () => {
    given(posted).when(remove).then(deleted);
    given(posted, deleted).when(remove).thenNothing();
    given(posted, deleted).when(edit).thenRejected({ type: 'NoSuchComment' });
    given(posted)
      .when({ ...remove, at: late })
      .thenRejected({ type: 'CommentStands' });
    given(posted)
      .when({ ...remove, by: bob })
      .thenRejected({ type: 'NotTheCommentsAuthor' });
  });
});
