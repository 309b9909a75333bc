//! The XML that STS and IAM answer with.

use roxmltree::{Document, Node};

/// The text of the first element of this name, wherever it is.
pub(super) fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    elements(document, name).next()?.text()
}

/// All elements of a name, in order.
pub(super) fn elements<'a, 'input>(
    document: &'a Document<'input>,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    document.descendants().filter(move |node| node.tag_name().name() == name)
}
