using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>A quantity with the way it was written, so that sums of Gi are shown in Gi.</summary>
internal readonly record struct Amount(decimal Value, bool Binary) : IComparable<Amount>
{
    private static readonly (decimal Scale, string Suffix)[] Decimals = [(1e18m, "E"), (1e15m, "P"), (1e12m, "T"), (1e9m, "G"), (1e6m, "M"), (1e3m, "k"), (1m, ""), (1e-3m, "m"), (1e-6m, "u")];
    private static readonly string[] Binaries = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

    public static Amount One => new(1, false);

    public static Amount operator +(Amount a, Amount b) => new(a.Value + b.Value, a.Binary || b.Binary);

    public static Amount operator -(Amount a, Amount b) => new(a.Value - b.Value, a.Binary || b.Binary);

    public static Amount? Parse(JsonNode? node)
    {
        var text = node.AsString() ?? (node is null ? null : node.Display());
        try
        {
            return text is not null && Quantity.TryParse(text, out var quantity) ? new Amount(quantity.Value, text.EndsWith('i')) : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    public int CompareTo(Amount other) => Value.CompareTo(other.Value);

    /// <summary>The canonical form: the largest suffix that leaves a whole number.</summary>
    public override string ToString()
    {
        var value = Value;
        if (Binary && decimal.Truncate(value) == value)
        {
            var power = 0;
            while (power + 1 < Binaries.Length && value != 0 && value % 1024 == 0)
            {
                value /= 1024;
                power++;
            }
            return value.ToString("0", CultureInfo.InvariantCulture) + Binaries[power];
        }
        foreach (var (scale, suffix) in Decimals)
        {
            if (value == 0)
                return "0";
            if (value % scale == 0)
                return (value / scale).ToString("0", CultureInfo.InvariantCulture) + suffix;
        }
        return Math.Ceiling(value * 1e9m).ToString("0", CultureInfo.InvariantCulture) + "n";
    }
}
