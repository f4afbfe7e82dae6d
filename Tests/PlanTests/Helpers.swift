import Octets
import Plan
import Proto

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func parseEvent(_ text: String) throws(PlanError) -> EventDefinition {
  let text = bytes(text)
  return try EventDocument.parse(text.rawSpan).event
}

func failure(_ text: String) -> PlanError? {
  do throws(PlanError) {
    _ = try parseEvent(text)
    return nil
  } catch {
    return error
  }
}

func parsePlan(_ text: [UInt8]) throws(PlanError) -> PretixPlan {
  let (plan, wrong) = PretixPlan.read(text.rawSpan)
  if let wrong { throw wrong }
  return plan
}

extension PlanIndex {
  func seat(_ label: String) -> UInt32? {
    let label = bytes(label)
    return seat(label.rawSpan)?.rawValue
  }

  func area(_ name: String) -> UInt16? {
    let name = bytes(name)
    return area(name.rawSpan)?.rawValue
  }

  func category(_ name: String) -> UInt16? {
    let name = bytes(name)
    return category(name.rawSpan)?.rawValue
  }
}

/// A plan as pretix's editor exports it, with what every version of the format has.
let pretixSample = #"""
  {
    "name": "Small hall",
    "categories": [{"name": "Stalls", "color": "#7f4a91"}, {"name": "Balcony"}, {"name": "Unused", "color": "red"}],
    "size": {"width": 800, "height": 600.5},
    "zones": [
      {
        "name": "Ground floor", "zone_id": "gf", "uuid": "6c0e3f0c", "position": {"x": 100, "y": 10},
        "rows": [
          {
            "row_number": "1", "row_label": "Row 1", "seat_label": "Seat %s", "row_number_position": "both",
            "uuid": "r1", "position": {"x": 5, "y": 0.5},
            "seats": [
              {"seat_guid": "gf-1-1", "seat_number": "1", "uuid": "s", "position": {"x": 1, "y": 2}, "category": "Stalls", "radius": 10},
              {"seat_guid": "gf-1-2", "seat_number": "2", "position": {"x": 26, "y": 2}, "category": "Stalls", "start_direction": "<>"}
            ]
          },
          {"row_number": "2", "row_number_position": null, "seats": [], "number_of_seats": 0, "seats_spacing": 25}
        ],
        "areas": [{"shape": "text", "text": {"text": "Stage", "position": {"x": 0, "y": 0}, "size": 16}, "position": {"x": 1, "y": 1}}]
      },
      {
        "position": {"x": -3, "y": 0}, "displayed": true,
        "rows": [{"seats": [
          {"seat_guid": "B 1", "seat_number": "", "position": {"x": 0, "y": 0}, "category": "Balcony"},
          {"seat_guid": "B \u00e9", "seat_number": "7b", "position": {"x": 0, "y": 1e2}, "category": "Stalls"}
        ], "row_number": "A"}]
      }
    ]
  }
  """#
