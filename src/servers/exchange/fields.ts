/** One line of an Exchange log as its fields (RFC 4180): a quoted field may hold commas, and quotes written twice. */
const fieldsMax = 40;

export const fieldsOf = (line: string): readonly string[] => {
  const fields: string[] = [];
  let at = 0;
  while (at <= line.length && fields.length < fieldsMax) {
    if (line.charCodeAt(at) === 34) {
      let end = at + 1;
      while (end < line.length && !(line.charCodeAt(end) === 34 && line.charCodeAt(end + 1) !== 34))
        end += line.charCodeAt(end) === 34 ? 2 : 1;
      fields.push(line.slice(at + 1, end).replaceAll('""', '"'));
      const comma = line.indexOf(',', end);
      at = comma < 0 ? line.length + 1 : comma + 1;
    } else {
      const comma = line.indexOf(',', at);
      fields.push(line.slice(at, comma < 0 ? undefined : comma));
      at = comma < 0 ? line.length + 1 : comma + 1;
    }
  }
  return fields;
};
