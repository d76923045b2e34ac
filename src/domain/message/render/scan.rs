//! What a template may look like before it is compiled: MiniJinja's compiler calls itself once for each link of a chain
//! (`----1`, `a.b.c`, `elif` after `elif`), which its own limit does not see. Its lexer does not, so tokens are counted
//! by it first.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::super::super::refusal::Refusal;

/// The most tokens between `{{` and `}}`, or `{%` and `%}`.
const MAX_TOKENS: usize = 200;
/// The most in all tags of a template: each takes some 200 bytes in the compiler.
const MAX_ALL: usize = 50_000;
/// The most `elif` of one `if`.
const MAX_ELIF: usize = 100;
/// How deep blocks may be in one another.
const MAX_DEPTH: usize = 50;
/// The longest name, in bytes: names are compared at each look.
const MAX_NAME: usize = 256;
/// Tags that have an end; `set` may.
const OPENING: [&str; 8] = ["for", "if", "with", "filter", "autoescape", "block", "macro", "call"];

/// Counts what `source` nests and chains.
///
/// # Errors
/// A refusal that names the line and the bound. What is no template at all is left for the compiler to refuse.
pub fn scan(source: &str) -> Result<(), Refusal> {
    let (mut tokens, mut all, mut open) = (0, 0, Vec::new());
    for found in tokenize(source, false, SyntaxConfig::default()) {
        let Ok((token, span)) = found else { return Ok(()) };
        let line = span.start_line;
        all += 1;
        if all > MAX_ALL {
            return Err(wrong(line, &format!("its tags have more than {MAX_ALL} words and signs"), "Make it shorter."));
        }
        match token {
            Token::TemplateData(_) | Token::VariableEnd | Token::BlockEnd => tokens = 0,
            Token::VariableStart => tokens = 1,
            // Before a block's keyword; it has as many tokens as the other kind of tag from there on.
            Token::BlockStart => tokens = 0,
            token => {
                let keyword = tokens == 0;
                tokens += 1;
                if tokens > MAX_TOKENS {
                    return Err(wrong(line, &format!("a tag has more than {MAX_TOKENS} words and signs"), PARTS));
                }
                if let Token::Ident(name) = token {
                    if name.len() > MAX_NAME {
                        return Err(wrong(line, "a name is too long", "Use at most 256 letters."));
                    }
                    if keyword {
                        follow(name, line, &mut open)?;
                    }
                }
            }
        }
    }
    Ok(())
}

const PARTS: &str = "Use several tags, and {% set %} for what comes between.";

/// Follows a tag's keyword; `open` has the `elif` of each block that is open.
fn follow(keyword: &str, line: u16, open: &mut Vec<usize>) -> Result<(), Refusal> {
    if OPENING.contains(&keyword) {
        open.push(0);
        if open.len() > MAX_DEPTH {
            return Err(wrong(line, &format!("blocks are more than {MAX_DEPTH} deep in one another"), "Nest fewer."));
        }
    } else if keyword == "elif" {
        let Some(branches) = open.last_mut() else { return Ok(()) };
        *branches += 1;
        if *branches > MAX_ELIF {
            return Err(wrong(line, &format!("an if has more than {MAX_ELIF} elif"), "Look the value up in a map."));
        }
    } else if keyword.strip_prefix("end").is_some_and(|name| OPENING.contains(&name)) {
        open.pop();
    }
    Ok(())
}

fn wrong(line: u16, what: &str, mend: &str) -> Refusal {
    Refusal::new(format!("The template is too complicated on line {line}: {what}. {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> String {
        scan(source).map_or_else(String::from, |()| String::new())
    }

    #[test]
    fn chains_are_refused_by_their_line_wherever_they_are() {
        for link in ["-", "not ", "x|upper|", "x.", "x[0]+", "1+"] {
            for (open, close) in [("{{", "}}"), ("{% if", "%}{% endif %}"), ("{% set y =", "%}")] {
                let chain = format!("fine\n{open} {}x {close}", link.repeat(6_000));
                assert!(refused(&chain).contains("on line 2: a tag has more than 200"), "{link} {open}");
            }
        }
        assert!(refused(&format!("{{% if x %}}{}{{% endif %}}", "{% elif y %}".repeat(101))).contains("elif"));
        assert!(refused(&"{% if x %}".repeat(51)).contains("50 deep"));
        assert!(refused(&"\n{{ x }}".repeat(20_000)).contains("more than 50000"));
    }

    #[test]
    fn what_only_looks_like_a_chain_is_none() {
        let text = "- ".repeat(6_000);
        let branches = "{% if x %}{% elif y %}{% else %}{% endif %}".repeat(500);
        for fine in [
            text.clone(),
            format!("{{# {text} #}}"),
            format!("{{% raw %}}{{{{ {text} }}}}{{% endraw %}}"),
            format!("{{{{ '{text}' }}}}"),
            "{{ x }}".repeat(1_000),
            branches,
        ] {
            assert_eq!(scan(&fine), Ok(()), "{fine:.40}");
        }
        assert_eq!(scan(&format!("{{{{ {} }}}}", ["x"; 100].join("+"))), Ok(()), "199 are not 201");
    }
}
