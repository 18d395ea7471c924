//! The models that seeded devices are drawn from. A small, invented order book: names are Apple's marketing names,
//! descriptions imitate the style of Apple's order texts.

/// What a model has besides Wi-Fi and Bluetooth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Radio {
    None,
    Ethernet,
    /// One slot, an eSIM and a CDMA identity.
    Cellular,
    /// Two IMEIs, as phones have them.
    DualCellular,
}

/// One line of the order book. None of the texts needs escaping in JSON.
pub(crate) struct Model {
    /// How many of a hundred devices are of this model.
    pub(crate) share: u32,
    pub(crate) family: &'static str,
    /// As protocol version 7 and later names it.
    pub(crate) os: &'static str,
    pub(crate) model: &'static str,
    pub(crate) description: &'static str,
    /// Apple leaves the color out for some models.
    pub(crate) color: Option<&'static str>,
    /// The last four characters of the serial number.
    pub(crate) code: &'static str,
    pub(crate) radio: Radio,
}

const fn model(
    share: u32,
    [family, os]: [&'static str; 2],
    [model, description, code]: [&'static str; 3],
    color: Option<&'static str>,
    radio: Radio,
) -> Model {
    Model { share, family, os, model, description, color, code, radio }
}

const PHONE: [&str; 2] = ["iPhone", "iOS"];
const PAD: [&str; 2] = ["iPad", "iPadOS"];
const MAC: [&str; 2] = ["Mac", "OSX"];
const TV: [&str; 2] = ["AppleTV", "tvOS"];
const VISION: [&str; 2] = ["Vision", "visionOS"];

/// The order book. Shares add up to 100.
pub(crate) const MODELS: [Model; 18] = [
    model(12, PHONE, ["iPhone 15", "IPHONE 15 BLACK 128GB-ZDD", "K3TN"], Some("BLACK"), Radio::DualCellular),
    model(10, PHONE, ["iPhone 16", "IPHONE 16 TEAL 256GB-QN", "M7QR"], Some("TEAL"), Radio::DualCellular),
    model(
        8,
        PHONE,
        ["iPhone 14", "IPHONE 14 MIDNIGHT 128GB-ZD", "07D5"],
        Some("MIDNIGHT"),
        Radio::DualCellular,
    ),
    model(
        6,
        PHONE,
        ["iPhone SE", "IPHONE SE 3G STARLIGHT 64GB-ZD", "1F8L"],
        Some("STARLIGHT"),
        Radio::DualCellular,
    ),
    model(4, PHONE, ["iPhone 16 Pro", "IPHONE 16 PRO NATURAL 256GB-QN", "PW4X"], None, Radio::DualCellular),
    model(12, PAD, ["iPad", "IPAD WI-FI 64GB SILVER-FGD", "Q1GC"], Some("SILVER"), Radio::None),
    model(
        6,
        PAD,
        ["iPad", "IPAD WI-FI+CELL 64GB SPACE GRAY-FGD", "Q1GF"],
        Some("SPACE GRAY"),
        Radio::Cellular,
    ),
    model(7, PAD, ["iPad Air", "IPAD AIR 11 WI-FI 128GB BLUE-FGD", "V2LJ"], Some("BLUE"), Radio::None),
    model(
        4,
        PAD,
        ["iPad Pro", "IPAD PRO 13 WI-FI+CELL 512GB SPACE BLACK-FGD", "4H0W"],
        None,
        Radio::Cellular,
    ),
    model(3, PAD, ["iPad mini", "IPAD MINI WI-FI 128GB PURPLE-FGD", "9ZRK"], Some("PURPLE"), Radio::None),
    model(
        9,
        MAC,
        ["MacBook Air", "MBA 13.6 MDN/8C CPU/10C GPU/16GB/256GB-SUN", "Q6LT"],
        Some("MIDNIGHT"),
        Radio::None,
    ),
    model(
        6,
        MAC,
        ["MacBook Pro", "MBP 14.2 SB/12C CPU/18C GPU/36GB/1TB-SUN", "MD6T"],
        Some("SPACE BLACK"),
        Radio::None,
    ),
    model(
        3,
        MAC,
        ["iMac", "IMAC 24 GREEN/8C CPU/10C GPU/16GB/512GB-SUN", "JV40"],
        Some("GREEN"),
        Radio::Ethernet,
    ),
    model(3, MAC, ["Mac mini", "MAC MINI/10C CPU/10C GPU/16GB/256GB-SUN", "PJH8"], None, Radio::Ethernet),
    model(1, MAC, ["Mac Studio", "MAC STUDIO/16C CPU/40C GPU/48GB/1TB-SUN", "1WX5"], None, Radio::Ethernet),
    model(3, TV, ["Apple TV 4K", "APPLE TV 4K 128GB-SUN", "PN5X"], None, Radio::Ethernet),
    model(1, TV, ["Apple TV 4K", "APPLE TV 4K 64GB WI-FI-SUN", "PN5W"], None, Radio::None),
    model(2, VISION, ["Apple Vision Pro", "APPLE VISION PRO 256GB-SUN", "T0VP"], None, Radio::None),
];

/// The model at a point of the order book, `at` counted from 0 to 99 and around again.
pub(crate) fn pick(at: u64) -> (usize, &'static Model) {
    let mut left = (at % 100) as u32;
    for (position, model) in MODELS.iter().enumerate() {
        match left.checked_sub(model.share) {
            Some(rest) => left = rest,
            None => return (position, model),
        }
    }
    (0, &MODELS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_book_is_whole() {
        assert_eq!(MODELS.iter().map(|model| model.share).sum::<u32>(), 100);
        for model in &MODELS {
            assert_eq!(model.code.len(), 4);
            let texts = [model.family, model.os, model.model, model.description, model.color.unwrap_or("-")];
            assert!(texts.iter().all(|text| !text.contains(['"', '\\']) && text.is_ascii()));
        }
    }
}
