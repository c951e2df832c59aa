/** Standing: a subject's state now. `trusted` wins over all; a wrong `suspect` only loses seconds. */
export const standings = ['trusted', 'unknown', 'suspect', 'hostile'] as const;
export type Standing = (typeof standings)[number];
