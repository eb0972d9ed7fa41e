using System.Globalization;
using System.Text.RegularExpressions;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission;

/// <summary>Quantities as the API server reads, compares and prints them.</summary>
public static partial class Quantities
{
    private static readonly string[] BinarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    private static readonly string[] DecimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    private const int Units = 3;

    public const string FormatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private const string SuffixError = "unable to parse quantity's suffix";

    /// <summary>What is wrong with a quantity's text in the API server's words, or null.</summary>
    public static string? Problem(string text)
    {
        if (Quantity.TryParse(text, out _))
            return null;
        return Form().IsMatch(text) && text.Count(c => c == '.') <= 1 ? SuffixError : FormatError;
    }

    /// <summary>An entry of a resource list; zero when it is not there.</summary>
    public static Quantity Entry(IReadOnlyDictionary<string, Quantity>? list, string resource) =>
        list is not null && list.TryGetValue(resource, out var quantity) ? quantity : new Quantity("0");

    /// <summary>`1024Mi` is `1Gi`, `0.5` is `500m`: the largest suffix of the same family that needs no fraction.</summary>
    public static string Canonical(Quantity quantity)
    {
        var value = quantity.Value;
        if (value == 0)
            return "0";
        var binary = quantity.Text.EndsWith('i') && Math.Abs(value) >= 1024 && value == decimal.Truncate(value);
        if (binary)
        {
            var power = 0;
            while (power < BinarySuffixes.Length - 1 && value % 1024 == 0)
            {
                value /= 1024;
                power++;
            }

            return Text(value) + BinarySuffixes[power];
        }

        var scale = Units;
        while (scale > 0 && value != decimal.Truncate(value))
        {
            value *= 1000;
            scale--;
        }

        value = decimal.Ceiling(value);
        while (scale < DecimalSuffixes.Length - 1 && value % 1000 == 0)
        {
            value /= 1000;
            scale++;
        }

        // `2e9` keeps its form too.
        return Text(value) + (!Exponent().IsMatch(quantity.Text) ? DecimalSuffixes[scale] : scale == Units ? "" : $"e{(scale - Units) * 3}");
    }

    /// <summary>In the largest binary unit that needs no fraction.</summary>
    public static Quantity OfBytes(long bytes) => new(Canonical(new Quantity($"{(bytes / 1024m).ToString(CultureInfo.InvariantCulture)}Ki")));

    private static string Text(decimal value) => decimal.Truncate(value).ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex("[eE][-+]?[0-9]+$")]
    private static partial Regex Exponent();

    [GeneratedRegex(@"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")]
    private static partial Regex Form();
}
