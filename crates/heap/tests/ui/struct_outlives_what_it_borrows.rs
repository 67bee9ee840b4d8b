//! A struct does not outlive the referent of a field.

struct Page {
    title: String,
}

struct Reader<'p> {
    page: &'p Page,
}

fn main() {
    let reader;
    {
        let page = Page { title: "first".to_owned() };
        reader = Reader { page: &page };
    }
    println!("{}", reader.page.title);
}
