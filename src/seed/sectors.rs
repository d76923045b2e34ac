//! The trades of the demo's clients, and what they write. All domains end in `.example` (RFC 2606), so that nothing here
//! can ever reach anybody.

/// What one letter says.
pub struct Letter {
    pub subject: &'static str,
    pub text: &'static str,
    /// The tag it is counted under.
    pub tag: &'static str,
}

/// A line of business: what its clients are called, when they write, and what.
pub struct Sector {
    pub tag: &'static str,
    pub trades: &'static [&'static str],
    /// How much of a usual day goes out on each, Monday first.
    pub week: [f64; 7],
    pub letters: &'static [Letter],
}

const fn letter(subject: &'static str, text: &'static str, tag: &'static str) -> Letter {
    Letter { subject, text, tag }
}

/// Shops and places one goes to: busy towards the weekend.
const LEISURE: [f64; 7] = [0.7, 0.8, 0.9, 1.1, 1.5, 1.3, 0.7];
/// Offices: quiet at the weekend.
const OFFICE: [f64; 7] = [1.2, 1.3, 1.2, 1.1, 0.9, 0.15, 0.1];

pub const SECTORS: &[Sector] = &[
    Sector {
        tag: "retail",
        trades: &[
            "Books",
            "Ceramics",
            "Cycles",
            "Eyewear",
            "Flowers",
            "Furniture",
            "Garden Centre",
            "Records",
            "Shoes",
            "Toys",
        ],
        week: LEISURE,
        letters: &[
            letter(
                "Your order is on its way",
                "Hello,\n\nyour parcel left our shop today. It should be with you within three days.",
                "order",
            ),
            letter(
                "Thank you for your order",
                "Hello,\n\nwe have your order and are packing it now. You will hear from us when it leaves.",
                "order",
            ),
            letter(
                "New in the shop this week",
                "Hello,\n\nthis week's arrivals are on the shelves. Come and see, or have a look at our site.",
                "newsletter",
            ),
        ],
    },
    Sector {
        tag: "food",
        trades: &[
            "Bakery",
            "Brewery",
            "Catering",
            "Cheese",
            "Coffee Roasters",
            "Deli",
            "Farm Shop",
            "Kitchen",
            "Tea House",
            "Wines",
        ],
        week: LEISURE,
        letters: &[
            letter(
                "Your table is booked",
                "Hello,\n\nwe look forward to seeing you. If your plans change, answer this message.",
                "booking",
            ),
            letter(
                "This week's menu",
                "Hello,\n\nhere is what we cook this week, with what the season gives.",
                "newsletter",
            ),
            letter("Your box leaves tomorrow", "Hello,\n\nyour box is packed and leaves tomorrow morning.", "order"),
        ],
    },
    Sector {
        tag: "health",
        trades: &[
            "Dental",
            "Eye Clinic",
            "Family Practice",
            "Hearing",
            "Midwives",
            "Osteopathy",
            "Pharmacy",
            "Physiotherapy",
            "Skin Clinic",
            "Vets",
        ],
        week: OFFICE,
        letters: &[
            letter(
                "Reminder of your appointment tomorrow",
                "Hello,\n\nthis is a reminder of your appointment tomorrow. Please come ten minutes early.",
                "reminder",
            ),
            letter(
                "Your appointment is confirmed",
                "Hello,\n\nyour appointment is confirmed. If you cannot come, let us know the day before.",
                "booking",
            ),
        ],
    },
    Sector {
        tag: "fitness",
        trades: &[
            "Climbing",
            "Dance School",
            "Gym",
            "Pilates",
            "Rowing Club",
            "Sailing School",
            "Swim Club",
            "Tennis Club",
            "Yoga",
        ],
        week: [1.3, 1.1, 1.1, 1.0, 0.8, 0.9, 0.8],
        letters: &[
            letter(
                "Your place in the course is confirmed",
                "Hello,\n\nyour place is confirmed. Bring water and comfortable clothes.",
                "booking",
            ),
            letter(
                "Next month's timetable",
                "Hello,\n\nthe timetable of next month is out. Places can be booked from today.",
                "newsletter",
            ),
        ],
    },
    Sector {
        tag: "services",
        trades: &[
            "Accountants",
            "Architects",
            "Cleaning",
            "Consulting",
            "Electrics",
            "Insurance",
            "Joinery",
            "Law",
            "Movers",
            "Roofing",
            "Surveyors",
            "Translations",
        ],
        week: OFFICE,
        letters: &[
            letter(
                "Your invoice for this month",
                "Hello,\n\nyour invoice is ready. It is due within fourteen days.",
                "invoice",
            ),
            letter(
                "We received your documents",
                "Hello,\n\nthank you, your documents arrived. We will be in touch within two working days.",
                "notice",
            ),
            letter("Your quote", "Hello,\n\nhere is the quote you asked for. It holds for thirty days.", "quote"),
        ],
    },
    Sector {
        tag: "learning",
        trades: &[
            "Academy",
            "Choir",
            "Driving School",
            "Kindergarten",
            "Language School",
            "Library",
            "Museum",
            "Music School",
            "Tutors",
        ],
        week: OFFICE,
        letters: &[
            letter(
                "Your lesson has moved",
                "Hello,\n\nyour next lesson takes place an hour later. Tell us if that does not suit you.",
                "notice",
            ),
            letter(
                "News from the school",
                "Hello,\n\nhere is what happened this month, and what comes next.",
                "newsletter",
            ),
        ],
    },
    Sector {
        tag: "travel",
        trades: &[
            "Boat Hire",
            "Camping",
            "Ferries",
            "Guesthouse",
            "Holiday Flats",
            "Hostel",
            "Hotel",
            "Mountain Guides",
            "Ski School",
            "Tours",
        ],
        week: [1.0, 1.0, 1.0, 1.1, 1.3, 1.2, 1.1],
        letters: &[
            letter(
                "Your booking is confirmed",
                "Hello,\n\nyour booking is confirmed. You will find the way here on our site.",
                "booking",
            ),
            letter(
                "Before you arrive",
                "Hello,\n\nonly a few days to go. Here is what is good to know before you arrive.",
                "reminder",
            ),
            letter("How was your stay?", "Hello,\n\nthank you for being our guest. How did you like it?", "feedback"),
        ],
    },
    Sector {
        tag: "software",
        trades: &["Analytics", "Apps", "Cloud", "Data", "Hosting", "Labs", "Maps", "Robotics", "Sensors", "Systems"],
        week: [1.1, 1.2, 1.2, 1.1, 1.0, 0.5, 0.5],
        letters: &[
            letter(
                "Confirm your address",
                "Hello,\n\nplease confirm your address, so that we know it is yours.",
                "account",
            ),
            letter("Your weekly report", "Hello,\n\nyour report of last week is ready.", "report"),
            letter(
                "You signed in from a new device",
                "Hello,\n\nsomebody signed in to your account from a new device. If that was you, there is nothing to do.",
                "account",
            ),
        ],
    },
];
