//! A borrow reached through a borrow lasts no longer than the innermost owner.

struct Page {
    title: String,
}

struct Reader<'p> {
    page: &'p Page,
}

fn title<'r, 'p>(reader: &'r Reader<'p>) -> &'p str {
    &reader.page.title
}

fn main() {
    let kept = {
        let page = Page { title: "first".to_owned() };
        let reader = Reader { page: &page };
        title(&reader)
    };
    println!("{kept}");
}
