//! Header-like fields (`Name: value`, folded lines joined), as in headers, delivery status and feedback reports.

/// Fields read of one section; more are left out.
const MAX_FIELDS: usize = 500;
/// Bytes kept of one value.
const MAX_VALUE: usize = 4000;

/// A field: its name in lower case, its value on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// Some fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// The first value of `name` (lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// Every value of `name` (lower case).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
    }
}

/// The groups of fields in `text`, parted by empty lines. Lines that are no field are passed over.
pub fn groups(text: &str) -> Vec<Fields> {
    let mut groups = Vec::new();
    let mut group = Fields::default();
    let mut read = 0;
    for line in lines(text) {
        if line.trim().is_empty() {
            if !group.0.is_empty() {
                groups.push(std::mem::take(&mut group));
            }
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(last) = group.0.last_mut().filter(|last| last.value.len() + line.len() < MAX_VALUE) {
                last.value.push(' ');
                last.value.push_str(line.trim());
            }
            continue;
        }
        if let Some(field) = field(line).filter(|_| read < MAX_FIELDS) {
            group.0.push(field);
            read += 1;
        }
    }
    if !group.0.is_empty() {
        groups.push(group);
    }
    groups
}

/// The fields up to the first empty line.
pub fn section(text: &str) -> Fields {
    groups(text).into_iter().next().unwrap_or_default()
}

/// `Name: value`, if the line is one.
pub fn field(line: &str) -> Option<Field> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let is_name = !name.is_empty() && name.len() < 100 && name.bytes().all(|byte| byte.is_ascii_graphic());
    let end = value.char_indices().map(|(at, sign)| at + sign.len_utf8()).take_while(|end| *end < MAX_VALUE).last();
    is_name.then(|| Field { name: name.to_ascii_lowercase(), value: value[..end.unwrap_or(0)].trim().to_owned() })
}

/// Lines however they end.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_joined_and_empty_lines_part_groups() {
        let groups = groups("A: 1\r\n  2\r\n\r\n\r\nnot a field\r\nB : x\nC:\n\ty\n");
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].get("a"), Some("1 2"));
        assert_eq!((groups[1].get("b"), groups[1].get("c"), groups[1].get("a")), (Some("x"), Some(" y"), None));
    }

    #[test]
    fn a_section_that_never_ends_is_bounded() {
        let many = ["A: b\n".repeat(10_000), "C: d\n e".repeat(10_000)].concat();
        assert_eq!(groups(&many).iter().map(|group| group.0.len()).sum::<usize>(), MAX_FIELDS);
        let long = format!("A: {}\n{}", "ä".repeat(9000), " x\n".repeat(9000));
        assert!(section(&long).get("a").is_some_and(|value| value.len() <= MAX_VALUE + 2));
    }
}
