/** Bodies that are a form with a file (`multipart/form-data`, RFC 7578). A client sends a `FormData`; a handler sees what came of it. */
import * as t from 'io-ts';
import { described } from '../json-schema.ts';

/** A file that was received whole and lies on disk for as long as its request lasts. */
export class ReceivedFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** As the sender calls it, without its folders. */
  readonly name: string | null;
  /** The media type that the sender gives it, without parameters; null when it gives none that says more than "bytes". */
  readonly type: string | null;

  constructor(file: {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
    readonly name: string | null;
    readonly type: string | null;
  }) {
    this.path = file.path;
    this.size = file.size;
    this.sha256 = file.sha256;
    this.name = file.name;
    this.type = file.type;
  }

  /** What makes two uploads the same, for `Idempotency-Key`: not where this one happens to lie. */
  toJSON(): object {
    return { sha256: this.sha256, name: this.name };
  }
}

/** The codec of such a body. */
export class FileForm extends t.Type<ReceivedFile> {
  /** The form's one field that is looked at. */
  readonly field: string;
  readonly maxBytes: number;
  /** What a larger file is answered with. */
  readonly oversize: 400 | 413;

  constructor(field: string, maxBytes: number, oversize: 400 | 413) {
    super(
      `form with ${field}`,
      (u): u is ReceivedFile => u instanceof ReceivedFile,
      (u, c) => (u instanceof ReceivedFile ? t.success(u) : t.failure(u, c, `must be a form with the file ${field}`)),
      t.identity,
    );
    this.field = field;
    this.maxBytes = maxBytes;
    this.oversize = oversize;
    described(this, { type: 'object', properties: { [field]: { type: 'string', format: 'binary' } }, required: [field] });
  }
}

/** A body that is such a form, or else JSON: what is wrong with one says nothing of the other. */
export class FormOr<B extends t.Mixed> extends t.Type<ReceivedFile | t.TypeOf<B>> {
  readonly form: FileForm;
  readonly json: B;

  constructor(form: FileForm, json: B) {
    super(
      `${form.name}, or ${json.name}`,
      (u): u is ReceivedFile | t.TypeOf<B> => u instanceof ReceivedFile || json.is(u),
      (u, c) => (u instanceof ReceivedFile ? t.success(u) : json.validate(u, c)),
      t.identity,
    );
    this.form = form;
    this.json = json;
    described(this, (refer) => ({ anyOf: [refer(form), refer(json)] }));
  }
}
