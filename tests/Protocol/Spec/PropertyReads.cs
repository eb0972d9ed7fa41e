using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Troupe.Protocol.Tests.Spec;

/// <summary>Which properties of other assemblies' types the code of an assembly reads, found in its IL.</summary>
internal static class PropertyReads
{
    private const string Getter = "get_";
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    /// <param name="counts">Whether code of this namespace counts.</param>
    /// <returns>Full names of type and property.</returns>
    public static IReadOnlySet<(string Type, string Property)> Of(Assembly assembly, Func<string, bool> counts)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        HashSet<(string, string)> reads = [];
        foreach (var type in metadata.TypeDefinitions.Select(metadata.GetTypeDefinition).Where(t => counts(NamespaceOf(metadata, t))))
        {
            foreach (var method in type.GetMethods().Select(metadata.GetMethodDefinition).Where(m => m.RelativeVirtualAddress != 0))
            {
                foreach (var token in Tokens(file.GetMethodBody(method.RelativeVirtualAddress).GetILReader()))
                {
                    if (MetadataTokens.EntityHandle(token) is { Kind: HandleKind.MemberReference } handle && Read(metadata, metadata.GetMemberReference((MemberReferenceHandle)handle)) is { } read)
                        reads.Add(read);
                }
            }
        }

        return reads;
    }

    private static (string, string)? Read(MetadataReader metadata, MemberReference member)
    {
        if (member.Parent.Kind is not HandleKind.TypeReference || metadata.GetString(member.Name) is not { } name || !name.StartsWith(Getter, StringComparison.Ordinal))
            return null;
        var type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
        return ($"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}", name[Getter.Length..]);
    }

    /// <summary>A lambda's or an iterator's type lies in the one that it was written in.</summary>
    private static string NamespaceOf(MetadataReader metadata, TypeDefinition type)
    {
        while (type.GetDeclaringType() is { IsNil: false } outer)
            type = metadata.GetTypeDefinition(outer);
        return metadata.GetString(type.Namespace);
    }

    private static IEnumerable<int> Tokens(BlobReader il)
    {
        List<int> tokens = [];
        while (il.RemainingBytes > 0)
        {
            const byte TwoBytes = 0xfe;
            var first = il.ReadByte();
            var code = OpCodesByValue[first == TwoBytes ? (short)(TwoBytes << 8 | il.ReadByte()) : first];
            switch (code.OperandType)
            {
                case OperandType.InlineMethod or OperandType.InlineTok:
                    tokens.Add(il.ReadInt32());
                    break;
                case OperandType.InlineSwitch:
                    var targets = il.ReadInt32();
                    il.Offset += sizeof(int) * targets;
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    il.Offset += sizeof(byte);
                    break;
                case OperandType.InlineVar:
                    il.Offset += sizeof(short);
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    il.Offset += sizeof(long);
                    break;
                default:
                    il.Offset += sizeof(int);
                    break;
            }
        }

        return tokens;
    }
}
